package keyrotation.infrastructure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.infrastructure.StackSettings.Replica;
import org.jspecify.annotations.Nullable;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.ArnFormat;
import software.amazon.awscdk.CfnTag;
import software.amazon.awscdk.Names;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.TagProps;
import software.amazon.awscdk.Tags;
import software.amazon.awscdk.UniqueResourceNameOptions;
import software.amazon.awscdk.services.iam.CfnRole;
import software.amazon.awscdk.services.iam.IRole;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.logs.ILogGroup;
import software.amazon.awscdk.services.secretsmanager.CfnSecret;
import software.amazon.awscdk.services.sns.ITopic;
import software.amazon.awscdk.services.sqs.IQueue;
import software.amazon.awscdk.services.sqs.Queue;
import software.constructs.Construct;

/**
 * The rotation of Momento API keys: the secrets, the function that rotates their keys, its
 * triggers, and the metrics and alarms that watch it. On request, also the function that makes
 * tokens, and its API.
 */
public final class MomentoKeyRotation extends Construct {

  /** A construct with this id adds nothing to the logical ids of the resources in it. */
  static final String NO_ID = "Default";

  private static final UniqueResourceNameOptions SHORT =
      UniqueResourceNameOptions.builder().separator("-").maxLength(46).build();

  private final StackSettings settings;
  private final StackNames names;
  private final RotationFunction function;
  private final Queue failures;
  private final Queue undelivered;
  private final Alarms alarms;
  private final KeyChangedRules keyChanged;
  private final Optional<TokenParts> tokens;

  /** The function that makes tokens, and its API. */
  record TokenParts(TokenFunction function, TokenApi api) {}

  /**
   * Creates the resources. Their names begin with the place in the app, so that there can be
   * several in an account and region.
   *
   * @throws IllegalArgumentException if any property is invalid; the message has one line for each
   *     mistake, with the name of the setting that the property stands for
   */
  public MomentoKeyRotation(Construct scope, String id, MomentoKeyRotationProps props) {
    this(scope, id, props.settings(scope), Optional.empty(), props.archives());
  }

  /**
   * Creates the resources.
   *
   * @param givenNames their names; if empty, the place in the app gives them
   */
  MomentoKeyRotation(
      Construct scope,
      String id,
      StackSettings settings,
      Optional<StackNames> givenNames,
      Archives archives) {
    super(scope, id);
    this.settings = settings;
    this.names =
        givenNames.orElseGet(() -> StackNames.ofConstruct(Names.uniqueResourceName(this, SHORT)));
    Map<SecretSource, String> secretArns = secretArns();
    this.failures = FunctionParts.queue(this, "Failures", settings.hosting());
    this.undelivered = FunctionParts.queue(this, "Undelivered", settings.hosting());
    this.function =
        new RotationFunction(
            this, "Rotation", settings, names, secretArns, archives.rotation(), failures);
    var _ = new RunSchedule(this, "Runs", settings, function.alias(), undelivered);
    if (settings.trigger() == RotationTrigger.SECRETS_MANAGER) {
      var _ = new SecretsManagerRotation(this, "Schedule", secretArns, function.alias(), settings);
    }
    LogMetrics metrics =
        new LogMetrics(
            this,
            "Metrics",
            function.logGroup(),
            settings.monitoring().perSecret(),
            names.namespace());
    this.tokens = settings.tokens().map(of -> addTokens(of, secretArns, archives));
    this.alarms =
        new Alarms(
            this,
            "Alarms",
            settings,
            names,
            metrics,
            function.alias(),
            undelivered,
            tokens.map(TokenParts::api));
    var _ =
        new OverviewDashboard(
            this,
            "Overview",
            names.prefix(),
            alarms,
            metrics,
            function.alias(),
            function.logGroup());
    this.keyChanged = new KeyChangedRules(this, "KeyChanged", settings, names);
    addTags();
    getNode().findAll().stream()
        .filter(CfnRole.class::isInstance)
        .map(CfnRole.class::cast)
        .forEach(this::limit);
  }

  /** Adds the tags. CloudFormation knows none of a dashboard, by its schema. */
  private void addTags() {
    TagProps options =
        TagProps.builder().excludeResourceTypes(List.of("AWS::CloudWatch::Dashboard")).build();
    settings.hosting().tags().forEach((key, value) -> Tags.of(this).add(key, value, options));
  }

  /** Puts a role under the rules of the company. */
  private void limit(CfnRole role) {
    settings.hosting().permissionsBoundaryArn().ifPresent(role::setPermissionsBoundary);
    settings.hosting().rolePath().ifPresent(role::setPath);
  }

  /** Returns the alias of the function that rotates keys. All callers invoke it. */
  public IAlias alias() {
    return function.alias();
  }

  /** Returns the role of the function that rotates keys. */
  public IRole role() {
    return function.role();
  }

  /** Returns the log group of the function that rotates keys. */
  public ILogGroup logGroup() {
    return function.logGroup();
  }

  /** Returns the queue that holds the events of failed scheduled and asynchronous invocations. */
  public IQueue failureQueue() {
    return failures;
  }

  /** Returns the queue that holds the events of scheduled runs that could not be started. */
  public IQueue undeliveredQueue() {
    return undelivered;
  }

  /** Returns the topic that all alarms publish to. */
  public ITopic alarmTopic() {
    return alarms.topic();
  }

  /** Returns the ARN of the topic that gets the events of changed keys, if there is one. */
  public Optional<String> keyChangedTopicArn() {
    return keyChanged.topicArn();
  }

  /** Returns the URL to which applications send requests for tokens, if there are tokens. */
  public Optional<String> tokensUrl() {
    return tokens.map(parts -> parts.api().url());
  }

  Optional<TokenParts> tokens() {
    return tokens;
  }

  StackSettings settings() {
    return settings;
  }

  StackNames names() {
    return names;
  }

  private TokenParts addTokens(
      TokenStackSettings of, Map<SecretSource, String> rotated, Archives archives) {
    TokenFunction made =
        new TokenFunction(
            this,
            "Tokens",
            of,
            Optional.ofNullable(rotated.get(of.secret()))
                .orElseGet(() -> existingSecretArn(of.secret())),
            settings.kmsKeyArns(),
            archives.tokens().orElseThrow(),
            settings.hosting(),
            names);
    return new TokenParts(
        made, new TokenApi(this, "TokenApi", of, settings.hosting(), names, made.alias()));
  }

  /** Returns each named secret's ARN; creates the secrets that have to be created. */
  private Map<SecretSource, String> secretArns() {
    Construct secrets = new Construct(this, "Secret");
    Map<SecretSource, String> arns = new LinkedHashMap<>();
    settings.secrets().forEach(secret -> arns.put(secret, secretArn(secret, secrets)));
    return arns;
  }

  private String secretArn(SecretSource source, Construct secrets) {
    return source instanceof SecretSource.Created(String name)
        ? createSecret(secrets, name).getRef()
        : existingSecretArn(source);
  }

  private String existingSecretArn(SecretSource source) {
    if (source instanceof SecretSource.ByArn(String arn, String _)) {
      return arn;
    }
    // A secret's ARN ends in a hyphen and six random characters.
    return Stack.of(this)
        .formatArn(
            ArnComponents.builder()
                .service("secretsmanager")
                .resource("secret")
                .resourceName(source.name() + "-??????")
                .arnFormat(ArnFormat.COLON_RESOURCE_NAME)
                .build());
  }

  /** Creates an empty, retained secret. The CDK's L2 construct would generate a random value. */
  private CfnSecret createSecret(Construct secrets, String name) {
    CfnSecret.Builder secret =
        CfnSecret.Builder.create(secrets, name)
            .name(name)
            .description(
                "A Momento API key and its refresh token, rotated by " + names.prefix() + ".");
    settings.kmsKeyArns().stream().findFirst().ifPresent(secret::kmsKeyId);
    if (!settings.replicas().isEmpty()) {
      secret.replicaRegions(settings.replicas().stream().map(MomentoKeyRotation::replica).toList());
    }
    settings
        .firstKeyOf(name)
        .ifPresent(
            key ->
                secret.tags(
                    List.of(
                        tag("momento:role-id", key.roleId()),
                        tag("momento:endpoint", key.endpoint()))));
    CfnSecret created = secret.build();
    // If the stack's creation is rolled back, the secret is deleted, so that a retry can create it.
    created.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    if (settings.trigger() == RotationTrigger.EVENTBRIDGE) {
      FunctionParts.suppressNag(
          created,
          "AwsSolutions-SMG4",
          "This stack's schedule rotates the secret, instead of Secrets Manager.");
    }
    return created;
  }

  private static CfnSecret.ReplicaRegionProperty replica(Replica replica) {
    @Nullable String key = replica.kmsKeyArn().orElse(null);
    return CfnSecret.ReplicaRegionProperty.builder().region(replica.region()).kmsKeyId(key).build();
  }

  private static CfnTag tag(String key, String value) {
    return CfnTag.builder().key(key).value(value).build();
  }
}
