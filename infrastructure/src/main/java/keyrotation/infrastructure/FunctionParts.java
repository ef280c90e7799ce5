package keyrotation.infrastructure;

import io.github.cdklabs.cdknag.NagPackSuppression;
import io.github.cdklabs.cdknag.NagSuppressions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import software.amazon.awscdk.Annotations;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.services.iam.Effect;
import software.amazon.awscdk.services.iam.PolicyDocument;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.lambda.Alias;
import software.amazon.awscdk.services.lambda.ApplicationLogLevel;
import software.amazon.awscdk.services.lambda.CfnFunction;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.LoggingFormat;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.lambda.SnapStartConf;
import software.amazon.awscdk.services.lambda.SystemLogLevel;
import software.amazon.awscdk.services.lambda.Tracing;
import software.amazon.awscdk.services.logs.CfnLogGroup;
import software.amazon.awscdk.services.logs.LogGroup;
import software.amazon.awscdk.services.sns.CfnTopic;
import software.amazon.awscdk.services.sns.Topic;
import software.amazon.awscdk.services.sqs.CfnQueue;
import software.amazon.awscdk.services.sqs.Queue;
import software.amazon.awscdk.services.sqs.QueueEncryption;
import software.constructs.Construct;
import software.constructs.IConstruct;

/** What the functions have in common, and the log groups, queues and topics. */
final class FunctionParts {

  /** What AWS's page on functions in a VPC asks for. */
  private static final List<String> NETWORK_ACTIONS =
      List.of(
          "ec2:AssignPrivateIpAddresses",
          "ec2:CreateNetworkInterface",
          "ec2:DeleteNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeSubnets",
          "ec2:UnassignPrivateIpAddresses");

  private FunctionParts() {}

  static LogGroup logGroup(Construct scope, String id, Hosting hosting) {
    LogGroup group =
        LogGroup.Builder.create(scope, id)
            .removalPolicy(
                hosting.logs().remain()
                    ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
                    : RemovalPolicy.DESTROY)
            .build();
    CfnLogGroup resource = (CfnLogGroup) defaultChild(group);
    resource.setRetentionInDays(hosting.logs().retentionInDays());
    hosting.kmsKeyArn().ifPresent(resource::setKmsKeyId);
    return group;
  }

  /** Creates a topic, with the id {@code Topic}. */
  static Topic topic(Construct scope, Hosting hosting) {
    Topic topic = Topic.Builder.create(scope, "Topic").enforceSsl(true).build();
    hosting.kmsKeyArn().ifPresent(((CfnTopic) defaultChild(topic))::setKmsMasterKeyId);
    return topic;
  }

  /** Creates a queue for events that nothing receives, until an operator looks at them. */
  static Queue queue(Construct scope, String id, Hosting hosting) {
    Queue queue =
        Queue.Builder.create(scope, id)
            .encryption(QueueEncryption.SQS_MANAGED)
            .enforceSsl(true)
            .retentionPeriod(Duration.days(14))
            .build();
    hosting
        .kmsKeyArn()
        .ifPresent(
            key -> {
              CfnQueue resource = (CfnQueue) defaultChild(queue);
              resource.setSqsManagedSseEnabled(false);
              resource.setKmsMasterKeyId(key);
            });
    suppressNag(queue, "AwsSolutions-SQS3", "This queue is a dead-letter queue.");
    return queue;
  }

  private static IConstruct defaultChild(Construct construct) {
    return Objects.requireNonNull(construct.getNode().getDefaultChild());
  }

  /**
   * Creates the role.
   *
   * @param policy the name of its one policy
   */
  static Role role(
      Construct scope,
      String description,
      String policy,
      List<PolicyStatement> statements,
      Hosting hosting) {
    Role role =
        Role.Builder.create(scope, "Role")
            .description(description)
            .assumedBy(new ServicePrincipal("lambda.amazonaws.com"))
            .inlinePolicies(
                Map.of(policy, PolicyDocument.Builder.create().statements(statements).build()))
            .build();
    if (hosting.network().isPresent()) {
      suppressNag(
          role, "AwsSolutions-IAM5", "The actions on network interfaces support no narrower form.");
    }
    return role;
  }

  /** Begins a function that logs JSON. */
  static Function.Builder function(Construct scope, Role role, LogGroup logGroup, Hosting hosting) {
    Function.Builder function =
        Function.Builder.create(scope, "Function")
            .runtime(Runtime.JAVA_25)
            .architecture(hosting.architecture())
            // The inline policy is complete; the CDK would add to it.
            .role(role.withoutPolicyUpdates())
            .logGroup(logGroup)
            .loggingFormat(LoggingFormat.JSON)
            .applicationLogLevelV2(ApplicationLogLevel.INFO)
            .systemLogLevelV2(SystemLogLevel.INFO)
            .tracing(Tracing.DISABLED);
    return hosting.snapStart() ? function.snapStart(SnapStartConf.ON_PUBLISHED_VERSIONS) : function;
  }

  /**
   * Creates the alias that all callers invoke. Without SnapStart it points to the function as it
   * is: a published version would only delay a change of the settings.
   */
  static Alias.Builder alias(Construct scope, Function function, Hosting hosting) {
    hosting
        .network()
        .ifPresent(
            network ->
                ((CfnFunction) defaultChild(function))
                    .setVpcConfig(
                        CfnFunction.VpcConfigProperty.builder()
                            .subnetIds(network.subnetIds())
                            .securityGroupIds(network.securityGroupIds())
                            .build()));
    if (hosting.snapStart()) {
      Annotations.of(function)
          .acknowledgeWarning(
              "@aws-cdk/aws-lambda:snapStartRequirePublish",
              "The alias points to a published version.");
    }
    return Alias.Builder.create(scope, "Live")
        .aliasName("live")
        .version(hosting.snapStart() ? function.getCurrentVersion() : function.getLatestVersion());
  }

  static PolicyStatement.Builder allow(String sid, List<String> actions, List<String> resources) {
    return PolicyStatement.Builder.create().sid(sid).actions(actions).resources(resources);
  }

  /** Allows the use of the secrets' KMS keys. */
  static Optional<PolicyStatement> allowSecretKeys(List<String> keyArns, List<String> actions) {
    return keyArns.isEmpty()
        ? Optional.empty()
        : Optional.of(allowKeys("UseKey", keyArns, actions, "secretsmanager"));
  }

  /** Allows the use of KMS keys, through one service alone. */
  private static PolicyStatement allowKeys(
      String sid, List<String> keyArns, List<String> actions, String service) {
    return allow(sid, actions, keyArns)
        .conditions(
            Map.of(
                "StringEquals",
                Map.of("kms:ViaService", service + "." + Aws.REGION + "." + Aws.URL_SUFFIX)))
        .build();
  }

  /** Allows a sender to the queues to have its messages encrypted. */
  static Optional<PolicyStatement> allowQueueKey(Hosting hosting) {
    return allowStackKey("UseQueueKey", hosting, "sqs");
  }

  /** Allows a publisher to the topics to have its messages encrypted. */
  static Optional<PolicyStatement> allowTopicKey(Hosting hosting) {
    return allowStackKey("UseTopicKey", hosting, "sns");
  }

  private static Optional<PolicyStatement> allowStackKey(
      String sid, Hosting hosting, String service) {
    List<String> actions = List.of("kms:Decrypt", "kms:GenerateDataKey");
    return hosting.kmsKeyArn().map(key -> allowKeys(sid, List.of(key), actions, service));
  }

  /**
   * Allows Lambda to connect the function to the network, and forbids the function's own code the
   * same calls. Lambda calls them for resources that do not exist yet, so on all.
   */
  static List<PolicyStatement> allowNetwork(Hosting hosting) {
    if (hosting.network().isEmpty()) {
      return List.of();
    }
    return List.of(
        allow("ConnectToNetwork", NETWORK_ACTIONS, List.of("*")).build(),
        allow("DoNotUseNetworkInterfaces", NETWORK_ACTIONS, List.of("*"))
            .effect(Effect.DENY)
            .conditions(Map.of("Null", Map.of("lambda:SourceFunctionArn", "false")))
            .build());
  }

  static PolicyStatement allowLog(LogGroup logGroup) {
    return allow(
            "WriteLog",
            List.of("logs:CreateLogStream", "logs:PutLogEvents"),
            List.of(logGroup.getLogGroupArn()))
        .build();
  }

  /** Suppresses a finding of cdk-nag. */
  static void suppressNag(Construct construct, String rule, String reason) {
    NagSuppressions.addResourceSuppressions(
        construct, List.of(NagPackSuppression.builder().id(rule).reason(reason).build()));
  }
}
