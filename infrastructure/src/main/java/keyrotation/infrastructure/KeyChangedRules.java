package keyrotation.infrastructure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.Aws;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.events.CfnRule;
import software.amazon.awscdk.services.iam.PolicyDocument;
import software.amazon.awscdk.services.iam.PolicyStatement;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.constructs.Construct;

/**
 * EventBridge rules that send Secrets Manager's event of a new current version of a named secret to
 * a topic or an event bus. {@code docs/consumers.md} describes the event.
 *
 * <p>Secrets Manager sends such an event for each label but two, also for this function's own, and
 * for each secret of the account. The patterns match no other label and no other secret.
 */
final class KeyChangedRules extends Construct {

  /** EventBridge allows 2048 characters for a pattern; its other parts need less than 248. */
  private static final int MAX_VALUES_LENGTH = 1800;

  private final StackNames names;
  private final Optional<String> topicArn;

  /**
   * Adds the rules.
   *
   * @param settings have the secrets whose events are sent, and the target
   */
  KeyChangedRules(Construct scope, String id, StackSettings settings, StackNames names) {
    super(scope, id);
    this.names = names;
    List<SecretSource> secrets = settings.secrets();
    switch (settings.keyChanged()) {
      case KeyChangedTarget.Nowhere() -> this.topicArn = Optional.empty();
      case KeyChangedTarget.NewTopic() -> {
        String arn = FunctionParts.topic(this, settings.hosting()).getTopicArn();
        this.topicArn = Optional.of(arn);
        addRules(
            patterns(secrets), arn, "sns:Publish", FunctionParts.allowTopicKey(settings.hosting()));
      }
      case KeyChangedTarget.Bus(String arn) -> {
        this.topicArn = Optional.empty();
        addRules(patterns(secrets), arn, "events:PutEvents", Optional.empty());
      }
    }
  }

  /** Returns the ARN of the topic, if the stack created one. */
  Optional<String> topicArn() {
    return topicArn;
  }

  /**
   * Adds a rule for each pattern.
   *
   * @param target the ARN of the topic or the bus
   * @param action the action of IAM that sends an event to it
   * @param useKey allows the use of the key that encrypts the topic
   */
  private void addRules(
      List<Map<String, Object>> patterns,
      String target,
      String action,
      Optional<PolicyStatement> useKey) {
    List<String> ruleNames =
        IntStream.rangeClosed(1, patterns.size())
            .mapToObj(number -> names.rules() + "-key-changed-" + number)
            .toList();
    Role role = createRole(ruleNames, target, action, useKey);
    for (int i = 0; i < patterns.size(); i++) {
      CfnRule.Builder.create(this, "Rule" + (i + 1))
          .name(ruleNames.get(i))
          .description("Sends the events that a rotated secret has a new current key.")
          .eventPattern(patterns.get(i))
          .state("ENABLED")
          .targets(
              List.of(
                  CfnRule.TargetProperty.builder()
                      .id("consumers")
                      .arn(target)
                      .roleArn(role.getRoleArn())
                      .build()))
          .build();
    }
  }

  /**
   * The rules send with a role to a topic as well. The topic's policy could not limit EventBridge
   * to these rules: EventBridge does not support conditions there.
   */
  private Role createRole(
      List<String> ruleNames, String target, String action, Optional<PolicyStatement> useKey) {
    PolicyStatement send =
        PolicyStatement.Builder.create()
            .actions(List.of(action))
            .resources(List.of(target))
            .build();
    return Role.Builder.create(this, "Role")
        .description("Permissions of the rules that send the events of changed Momento keys.")
        .assumedBy(
            ServicePrincipal.Builder.create("events.amazonaws.com")
                .conditions(
                    Map.of(
                        "StringEquals",
                        // Sorted, so that each synthesis writes the same template.
                        new TreeMap<>(
                            Map.of(
                                "aws:SourceAccount",
                                Aws.ACCOUNT_ID,
                                "aws:SourceArn",
                                ruleNames.stream().map(this::ruleArn).toList()))))
                .build())
        .inlinePolicies(
            Map.of(
                "send",
                PolicyDocument.Builder.create()
                    .statements(Stream.concat(Stream.of(send), useKey.stream()).toList())
                    .build()))
        .build();
  }

  /** Returns a rule's ARN from its name, because the rule refers to the role. */
  private String ruleArn(String name) {
    return Stack.of(this)
        .formatArn(
            ArnComponents.builder().service("events").resource("rule").resourceName(name).build());
  }

  /** Returns as many patterns as EventBridge's limit of their length requires. */
  private static List<Map<String, Object>> patterns(List<SecretSource> secrets) {
    List<String> names = new ArrayList<>();
    List<String> arns = new ArrayList<>();
    for (SecretSource secret : secrets) {
      switch (secret) {
        case SecretSource.Created(String name) -> names.add(name);
        // The random end of the ARN is unknown. The name is unique in the account and region.
        case SecretSource.ByName(String name) -> names.add(name);
        case SecretSource.ByArn(String arn, String _) -> arns.add(arn);
      }
    }
    List<Map<String, Object>> patterns = new ArrayList<>();
    split(names).forEach(part -> patterns.add(pattern(Map.of(), Map.of("name", part))));
    split(arns).forEach(part -> patterns.add(pattern(Map.of("resources", part), Map.of())));
    return patterns;
  }

  /** Returns a pattern that requires more fields, of the event and of its detail. */
  private static Map<String, Object> pattern(
      Map<String, List<String>> fields, Map<String, List<String>> fieldsOfDetail) {
    // Sorted, so that each synthesis writes the same template.
    Map<String, Object> detail = new TreeMap<>(fieldsOfDetail);
    detail.put("labelUpdated", List.of("AWSCURRENT"));
    Map<String, Object> pattern = new TreeMap<>(fields);
    pattern.put("source", List.of("aws.secretsmanager"));
    pattern.put("detail-type", List.of("Secret Label Updated"));
    // The default bus may also get events of other accounts and regions.
    pattern.put("account", List.of(Aws.ACCOUNT_ID));
    pattern.put("region", List.of(Aws.REGION));
    pattern.put("detail", detail);
    return pattern;
  }

  private static List<List<String>> split(List<String> values) {
    List<List<String>> parts = new ArrayList<>();
    int free = 0;
    for (String value : values) {
      // Two quotes and a comma.
      int length = value.length() + 3;
      if (parts.isEmpty() || length > free) {
        parts.add(new ArrayList<>());
        free = MAX_VALUES_LENGTH;
      }
      parts.getLast().add(value);
      free -= length;
    }
    return parts;
  }
}
