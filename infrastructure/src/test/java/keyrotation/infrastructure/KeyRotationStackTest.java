package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.SECRET_ARN;
import static keyrotation.infrastructure.StackTemplate.parse;
import static keyrotation.infrastructure.StackTemplate.statements;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awscdk.assertions.Annotations;
import software.amazon.awscdk.assertions.Match;
import software.amazon.awscdk.services.sqs.Queue;

class KeyRotationStackTest {

  private static final String FUNCTION = "AWS::Lambda::Function";
  private static final String ALIAS = "AWS::Lambda::Alias";
  private static final String LOG_GROUP = "AWS::Logs::LogGroup";
  private static final String QUEUE = "AWS::SQS::Queue";
  private static final String SCHEDULE = "AWS::Scheduler::Schedule";
  private static final String SECRET = "AWS::SecretsManager::Secret";
  private static final String ROTATION_SCHEDULE = "AWS::SecretsManager::RotationSchedule";
  private static final String PERMISSION = "AWS::Lambda::Permission";

  private final StackTemplate template = StackTemplate.of();
  private final StackTemplate rotatedBySecretsManager =
      StackTemplate.of("ROTATION_TRIGGER", "secrets-manager");

  @Test
  void the_stack_and_the_function_have_the_older_systems_names() {
    assertThat(StackTemplate.stack().getStackName()).isEqualTo("momento-auth-token-refresh-stack");
    assertThat(template.properties(FUNCTION).path("FunctionName").asText())
        .isEqualTo("momento-auth-token-refresh-lambda");
  }

  @Test
  void no_logical_id_equals_one_of_the_older_stack() {
    assertThat(template.json().path("Resources").properties())
        .extracting(Map.Entry::getKey)
        .noneMatch(id -> id.startsWith("momento"));
  }

  @Test
  void only_the_needed_resources_are_created() {
    List<String> needed =
        List.of(
            FUNCTION,
            "AWS::Lambda::Version",
            ALIAS,
            "AWS::Lambda::EventInvokeConfig",
            LOG_GROUP,
            "AWS::IAM::Role",
            "AWS::IAM::Role",
            SCHEDULE,
            SECRET,
            QUEUE,
            QUEUE,
            "AWS::SQS::QueuePolicy",
            "AWS::SQS::QueuePolicy",
            "AWS::SNS::Topic",
            "AWS::SNS::TopicPolicy",
            "AWS::CloudWatch::CompositeAlarm",
            "AWS::CloudWatch::Dashboard");

    assertThat(types(template)).containsExactlyInAnyOrderElementsOf(needed);
    assertThat(types(rotatedBySecretsManager))
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(needed.stream(), Stream.of(PERMISSION, ROTATION_SCHEDULE)).toList());
  }

  /**
   * Returns the types of all resources but the metric filters and alarms, of which there are many.
   */
  private static List<String> types(StackTemplate template) {
    return template.types().stream()
        .filter(type -> !type.equals("AWS::Logs::MetricFilter"))
        .filter(type -> !type.equals("AWS::CloudWatch::Alarm"))
        .toList();
  }

  @Nested
  class TheFunction {

    @Test
    void runs_on_java_25_and_arm() {
      JsonNode function = template.properties(FUNCTION);

      assertThat(function.path("Runtime").asText()).isEqualTo("java25");
      assertThat(function.path("Architectures")).isEqualTo(parse("['arm64']"));
      assertThat(function.path("Handler").asText())
          .isEqualTo("keyrotation.RotationHandler::handleRequest");
      assertThat(function.path("MemorySize").asInt()).isEqualTo(1024);
      assertThat(function.path("Timeout").asInt()).isEqualTo(300);
    }

    @Test
    void has_no_tracing_no_vpc_and_no_concurrency_limit() {
      assertThat(template.properties(FUNCTION).properties())
          .extracting(Map.Entry::getKey)
          .doesNotContain(
              "TracingConfig",
              "VpcConfig",
              "ReservedConcurrentExecutions",
              "Layers",
              "DeadLetterConfig");
    }

    @Test
    void logs_json_into_its_own_group_with_a_retention_of_three_months() {
      assertThat(template.properties(FUNCTION).path("LoggingConfig"))
          .isEqualTo(
              parse(
                  """
                  {'LogFormat': 'JSON', 'ApplicationLogLevel': 'INFO', 'SystemLogLevel': 'INFO',
                   'LogGroup': {'Ref': '%s'}}\
                  """
                      .formatted(template.id(LOG_GROUP))));
      assertThat(template.properties(LOG_GROUP)).isEqualTo(parse("{'RetentionInDays': 90}"));
      assertThat(template.only(LOG_GROUP).path("DeletionPolicy").asText()).isEqualTo("Delete");
    }

    @Test
    void is_invoked_by_an_alias_of_a_published_version() {
      assertThat(template.properties(ALIAS))
          .isEqualTo(
              parse(
                  """
                  {'Name': 'live', 'FunctionName': {'Ref': '%s'},
                   'FunctionVersion': {'Fn::GetAtt': ['%s', 'Version']}}\
                  """
                      .formatted(template.id(FUNCTION), template.id("AWS::Lambda::Version"))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"eventbridge", "secrets-manager"})
    void starts_from_a_snapshot(String trigger) {
      JsonNode function =
          StackTemplate.of("ROTATION_TRIGGER", trigger, "AUTO_ROTATION_IN_DAYS", "1000")
              .properties(FUNCTION);

      assertThat(function.at("/SnapStart/ApplyOn").asText()).isEqualTo("PublishedVersions");
    }

    @Test
    void has_the_settings_in_its_environment() {
      StackTemplate set =
          StackTemplate.of(
              "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a, " + SECRET_ARN,
              "MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento",
              "AUTO_ROTATION_IN_DAYS", "30",
              "CHECK_INTERVAL_IN_HOURS", "12",
              "MOMENTO_REFRESHES_PER_SECOND", "7",
              "SECRETS_MANAGER_WRITES_PER_SECOND", "8",
              "MOMENTO_CONTROL_ENDPOINT", "control.example.com:443",
              "REVOKE_AFTER_HOURS", "24",
              "REVOKE_OPERATOR_KEYS", "true");

      assertThat(environment(template))
          .isEqualTo(
              parse(
                  """
                  {'JAVA_TOOL_OPTIONS': '-XX:TieredStopAtLevel=1',
                   'MOMENTO_AUTH_TOKEN_SECRET_NAME': 'momento/authentication-token'}\
                  """));
      assertThat(environment(set))
          .isEqualTo(
              parse(
                  """
                  {'JAVA_TOOL_OPTIONS': '-XX:TieredStopAtLevel=1',
                   'MOMENTO_AUTH_TOKEN_SECRET_NAME': 'momento/a, %s',
                   'MOMENTO_AUTH_TOKEN_SECRET_TAG': 'rotate=momento',
                   'AUTO_ROTATION_IN_DAYS': '30',
                   'CHECK_INTERVAL_IN_HOURS': '12',
                   'MOMENTO_REFRESHES_PER_SECOND': '7',
                   'SECRETS_MANAGER_WRITES_PER_SECOND': '8',
                   'MOMENTO_CONTROL_ENDPOINT': 'control.example.com:443',
                   'REVOKE_AFTER_HOURS': '24',
                   'REVOKE_OPERATOR_KEYS': 'true'}\
                  """
                      .formatted(SECRET_ARN)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"eventbridge", "secrets-manager"})
    void is_retried_twice_and_failed_events_go_to_the_queue(String trigger) {
      StackTemplate either = StackTemplate.of("ROTATION_TRIGGER", trigger);

      assertThat(either.properties("AWS::Lambda::EventInvokeConfig"))
          .isEqualTo(
              parse(
                  """
                  {'FunctionName': {'Ref': '%s'},
                   'Qualifier': {'Fn::Select': [7, {'Fn::Split': [':', {'Ref': '%s'}]}]},
                   'MaximumRetryAttempts': 2, 'MaximumEventAgeInSeconds': 21600,
                   'DestinationConfig': {'OnFailure': {'Destination': %s}}}\
                  """
                      .formatted(
                          either.id(FUNCTION), either.id(ALIAS), arn(queue(either, "Failures")))));
    }

    @Test
    void the_queues_are_encrypted_retain_for_two_weeks_and_require_tls() {
      assertThat(template.all(QUEUE).values())
          .hasSize(2)
          .extracting(queue -> queue.path("Properties"))
          .containsOnly(parse("{'SqsManagedSseEnabled': true, 'MessageRetentionPeriod': 1209600}"));
      assertThat(template.all("AWS::SQS::QueuePolicy").values())
          .hasSize(2)
          .extracting(policy -> policy.at("/Properties/PolicyDocument/Statement/0"))
          .allSatisfy(
              denial -> {
                assertThat(denial.path("Effect").asText()).isEqualTo("Deny");
                assertThat(denial.path("Condition"))
                    .isEqualTo(parse("{'Bool': {'aws:SecureTransport': 'false'}}"));
              });
    }

    private static JsonNode environment(StackTemplate template) {
      return template.properties(FUNCTION).at("/Environment/Variables");
    }
  }

  @Nested
  class TheRole {

    private static final String FOUR_ACTIONS =
        """
        ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue',
         'secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage']\
        """;

    @Test
    void allows_four_actions_on_the_secret_logging_and_the_failure_queue() {
      assertThat(statements(functionsRole(template)))
          .containsExactly(
              statement(
                  "RotateSecrets", FOUR_ACTIONS, "{'Ref': '%s'}".formatted(template.id(SECRET))),
              statement(
                  "WriteLog",
                  "['logs:CreateLogStream', 'logs:PutLogEvents']",
                  arn(template.id(LOG_GROUP))),
              statement("KeepFailures", "'sqs:SendMessage'", arn(queue(template, "Failures"))));
    }

    @Test
    void names_existing_secrets_as_exactly_as_possible() {
      StackTemplate existing =
          StackTemplate.of(
              "CREATE_SECRETS",
              "false",
              "MOMENTO_AUTH_TOKEN_SECRET_NAME",
              "momento/a," + SECRET_ARN);

      assertThat(statements(functionsRole(existing)))
          .contains(
              statement("RotateSecretsByName", FOUR_ACTIONS, secretArn("momento/a-??????")),
              statement("RotateSecretsByArn", FOUR_ACTIONS, "'" + SECRET_ARN + "'"));
    }

    @Test
    void allows_the_management_key_to_be_read_and_not_written() {
      assertThat(
              statements(
                  functionsRole(
                      StackTemplate.of("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key"))))
          .contains(
              parse(
                  """
                  {'Sid': 'ReadManagementKey', 'Effect': 'Allow',
                   'Action': 'secretsmanager:GetSecretValue', 'Resource': %s}\
                  """
                      .formatted(secretArn("momento/management-key-??????"))));
    }

    @Test
    void allows_the_management_key_to_be_written_where_it_is_rotated_as_well() {
      StackTemplate rotated =
          StackTemplate.of(
              "MOMENTO_AUTH_TOKEN_SECRET_NAME",
              "momento/a," + SECRET_ARN,
              "MOMENTO_MANAGEMENT_KEY_SECRET",
              "momento/other");

      assertThat(statements(functionsRole(rotated)))
          .contains(statement("RotateSecretsByArn", FOUR_ACTIONS, "'" + SECRET_ARN + "'"));
    }

    @Test
    void allows_the_key_only_through_secrets_manager() {
      assertThat(statements(functionsRole(StackTemplate.of("KMS_KEY_ARN", KMS_KEY))))
          .filteredOn(statement -> statement.path("Sid").asText().equals("UseKey"))
          .containsExactly(
              parse(
                  """
                  {'Sid': 'UseKey', 'Effect': 'Allow',
                   'Action': ['kms:Decrypt', 'kms:GenerateDataKey'], 'Resource': '%s',
                   'Condition': {'StringEquals': {'kms:ViaService': {'Fn::Join': ['', [
                     'secretsmanager.', {'Ref': 'AWS::Region'}, '.', {'Ref': 'AWS::URLSuffix'}]]}}}}\
                  """
                      .formatted(KMS_KEY)));
    }

    @Test
    void allows_tagged_secrets_and_list_secrets_only_if_a_tag_is_set() {
      List<JsonNode> tagged =
          statements(
              functionsRole(
                  StackTemplate.of(
                      "MOMENTO_AUTH_TOKEN_SECRET_TAG", "a key=b c",
                      "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a")));

      assertThat(tagged)
          .contains(
              parse(
                  """
                  {'Sid': 'RotateTaggedSecrets', 'Effect': 'Allow', 'Action': %s, 'Resource': %s,
                   'Condition': {'StringEquals': {'aws:ResourceTag/a key': 'b c'}}}\
                  """
                      .formatted(FOUR_ACTIONS, secretArn("*"))),
              statement("FindTaggedSecrets", "'secretsmanager:ListSecrets'", "'*'"))
          .hasSize(5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"eventbridge", "secrets-manager"})
    void has_no_managed_policy_no_star_and_no_other_policy_attached(String trigger) {
      StackTemplate either = StackTemplate.of("ROTATION_TRIGGER", trigger, "KMS_KEY_ARN", KMS_KEY);

      either.assertThatNoRoleHasAWidePolicy();
    }

    @Test
    void is_assumed_by_lambda_alone() {
      assertThat(functionsRole(template).path("AssumeRolePolicyDocument").path("Statement"))
          .isEqualTo(
              parse(
                  """
                  [{'Action': 'sts:AssumeRole', 'Effect': 'Allow',
                    'Principal': {'Service': 'lambda.amazonaws.com'}}]\
                  """));
      assertThat(template.properties(FUNCTION).path("Role").toString()).contains("RotationRole");
    }

    private static JsonNode functionsRole(StackTemplate template) {
      return template.role("lambda.amazonaws.com");
    }

    private static JsonNode statement(String sid, String actions, String resource) {
      return parse(
          "{'Sid': '%s', 'Effect': 'Allow', 'Action': %s, 'Resource': %s}"
              .formatted(sid, actions, resource));
    }

    private static String secretArn(String name) {
      return """
      {'Fn::Join': ['', ['arn:', {'Ref': 'AWS::Partition'}, ':secretsmanager:',
        {'Ref': 'AWS::Region'}, ':', {'Ref': 'AWS::AccountId'}, ':secret:%s']]}\
      """
          .formatted(name);
    }
  }

  @Nested
  class TheSchedule {

    @ParameterizedTest
    @CsvSource({
      "eventbridge,      1, 1 hour,   15",
      "eventbridge,      2, 2 hours,  30",
      "eventbridge,      3, 3 hours,  45",
      "eventbridge,      4, 4 hours,  60",
      "eventbridge,      6, 6 hours,  60",
      "eventbridge,      8, 8 hours,  60",
      "eventbridge,     12, 12 hours, 60",
      "eventbridge,     24, 1 day,    60",
      "secrets-manager,  1, 1 hour,   15",
      "secrets-manager, 24, 1 day,    60",
    })
    void runs_at_the_interval_within_a_quarter_of_it_and_at_most_an_hour(
        String trigger, String hours, String rate, int window) {
      JsonNode schedule =
          StackTemplate.of("ROTATION_TRIGGER", trigger, "CHECK_INTERVAL_IN_HOURS", hours)
              .properties(SCHEDULE);

      assertThat(schedule.path("ScheduleExpression").asText()).isEqualTo("rate(" + rate + ")");
      assertThat(schedule.path("FlexibleTimeWindow"))
          .isEqualTo(parse("{'Mode': 'FLEXIBLE', 'MaximumWindowInMinutes': %d}".formatted(window)));
      assertThat(schedule.path("State").asText()).isEqualTo("ENABLED");
    }

    @ParameterizedTest
    @ValueSource(strings = {"eventbridge", "secrets-manager"})
    void runs_daily_by_default(String trigger) {
      assertThat(
              StackTemplate.of("ROTATION_TRIGGER", trigger)
                  .properties(SCHEDULE)
                  .path("ScheduleExpression")
                  .asText())
          .isEqualTo("rate(1 day)");
    }

    @Test
    void runs_at_a_time_of_day_on_some_days() {
      JsonNode schedule =
          StackTemplate.of("CHECK_AT", "04:30 Europe/Berlin", "CHECK_DAYS", "MON-FRI")
              .properties(SCHEDULE);

      assertThat(schedule.path("ScheduleExpression").asText())
          .isEqualTo("cron(30 4 ? * MON,TUE,WED,THU,FRI *)");
      assertThat(schedule.path("ScheduleExpressionTimezone").asText()).isEqualTo("Europe/Berlin");
      assertThat(schedule.path("FlexibleTimeWindow")).isEqualTo(parse("{'Mode': 'OFF'}"));
      assertThat(schedule.at("/Target/RetryPolicy/MaximumEventAgeInSeconds").asInt())
          .isEqualTo(86_400);
    }

    @Test
    void invokes_the_alias_and_sends_undeliverable_events_to_the_queue() {
      JsonNode target = template.properties(SCHEDULE).path("Target");

      assertThat(target.path("Arn")).isEqualTo(ref(template.id(ALIAS)));
      assertThat(target.path("RetryPolicy"))
          .isEqualTo(parse("{'MaximumEventAgeInSeconds': 86400, 'MaximumRetryAttempts': 185}"));
      assertThat(target.path("DeadLetterConfig").path("Arn"))
          .isEqualTo(parse(arn(queue(template, "Undelivered"))));
    }

    @ParameterizedTest
    @CsvSource({"1, 3600, 3600", "6, 21600, 21600", "8, 28800, 21600", "24, 86400, 21600"})
    void retries_a_run_no_longer_than_until_the_next_run(
        String hours, int secondsOfSchedule, int secondsOfFunction) {
      StackTemplate each = StackTemplate.of("CHECK_INTERVAL_IN_HOURS", hours);

      assertThat(
              each.properties(SCHEDULE).at("/Target/RetryPolicy/MaximumEventAgeInSeconds").asInt())
          .isEqualTo(secondsOfSchedule);
      assertThat(
              each.properties("AWS::Lambda::EventInvokeConfig")
                  .path("MaximumEventAgeInSeconds")
                  .asInt())
          .isEqualTo(secondsOfFunction);
    }

    @Test
    void may_invoke_the_alias_and_nothing_else() {
      JsonNode role = template.role("scheduler.amazonaws.com");

      assertThat(statements(role))
          .containsExactly(
              parse(
                  "{'Effect': 'Allow', 'Action': 'lambda:InvokeFunction', 'Resource': {'Ref': '%s'}}"
                      .formatted(template.id(ALIAS))),
              parse(
                  "{'Effect': 'Allow', 'Action': 'sqs:SendMessage', 'Resource': %s}"
                      .formatted(arn(queue(template, "Undelivered")))));
      JsonNode condition = role.at("/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals");
      assertThat(condition.path("aws:SourceAccount")).isEqualTo(ref("AWS::AccountId"));
      assertThat(condition.path("aws:SourceArn").toString()).contains(":schedule-group/default");
    }
  }

  @Nested
  class TheSecrets {

    @Test
    void are_created_empty_and_retained() {
      JsonNode secret = template.only(SECRET);

      assertThat(secret.path("Properties"))
          .isEqualTo(
              parse(
                  """
                  {'Name': 'momento/authentication-token', 'Description':
                   'A Momento API key and its refresh token, rotated by\
                   momento-auth-token-refresh-stack.'}\
                  """));
      assertThat(secret.path("DeletionPolicy").asText()).isEqualTo("RetainExceptOnCreate");
      assertThat(secret.path("UpdateReplacePolicy").asText()).isEqualTo("Retain");
    }

    @Test
    void are_encrypted_with_the_configured_key() {
      assertThat(
              StackTemplate.of("KMS_KEY_ARN", KMS_KEY).properties(SECRET).path("KmsKeyId").asText())
          .isEqualTo(KMS_KEY);
    }

    @Test
    void keep_their_logical_ids_when_others_are_added_or_their_order_changes() {
      Set<String> one = StackTemplate.of().all(SECRET).keySet();
      Set<String> more =
          StackTemplate.of(
                  "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/first,momento/authentication-token")
              .all(SECRET)
              .keySet();

      assertThat(more).hasSize(2).containsAll(one);
    }

    @Test
    void stay_distinct_if_their_names_differ_only_in_punctuation() {
      assertThat(
              StackTemplate.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a,momento-a,momentoa")
                  .all(SECRET))
          .hasSize(3);
    }

    @Test
    void have_the_tags_of_a_first_key_only_if_the_stack_creates_them_for_applications() {
      StackTemplate set =
          StackTemplate.of(
              "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a,momento/managing," + SECRET_ARN,
              "MOMENTO_MANAGEMENT_KEY_SECRET", "momento/managing",
              "MOMENTO_ALLOWED_ROLES", "r-viewer",
              "MOMENTO_FIRST_KEY_ROLE", "r-viewer",
              "MOMENTO_ENDPOINT", "a.momentohq.com");

      assertThat(set.all(SECRET).values())
          .extracting(secret -> secret.path("Properties"))
          .extracting(secret -> secret.path("Name").asText() + " " + secret.path("Tags"))
          .containsExactlyInAnyOrder(
              "momento/a [{\"Key\":\"momento:endpoint\",\"Value\":\"a.momentohq.com\"},"
                  + "{\"Key\":\"momento:role-id\",\"Value\":\"r-viewer\"}]",
              "momento/managing ");
      assertThat(set.json().toString()).doesNotContain("MOMENTO_FIRST_KEY");
    }

    @Test
    void are_not_created_if_they_exist() {
      assertThat(StackTemplate.of("CREATE_SECRETS", "false").all(SECRET)).isEmpty();
    }

    @Test
    void are_not_created_if_their_arn_is_set() {
      assertThat(StackTemplate.of("MOMENTO_AUTH_TOKEN_SECRET_NAME", SECRET_ARN).all(SECRET))
          .isEmpty();
    }
  }

  @Nested
  class SecretsManagersRotation {

    @Test
    void is_not_scheduled_if_the_stacks_schedule_rotates() {
      assertThat(template.all(ROTATION_SCHEDULE)).isEmpty();
      assertThat(template.all(PERMISSION)).isEmpty();
    }

    @Test
    void is_scheduled_for_each_secret_and_rotates_nothing_on_deployment() {
      StackTemplate created =
          StackTemplate.of(
              "ROTATION_TRIGGER", "secrets-manager",
              "AUTO_ROTATION_IN_DAYS", "7");

      assertThat(created.properties(ROTATION_SCHEDULE))
          .isEqualTo(
              parse(
                  """
                  {'SecretId': {'Ref': '%s'}, 'RotationLambdaARN': {'Ref': '%s'},
                   'RotateImmediatelyOnUpdate': false,
                   'RotationRules': {'AutomaticallyAfterDays': 7}}\
                  """
                      .formatted(created.id(SECRET), created.id(ALIAS))));
      assertThat(created.only(ROTATION_SCHEDULE).path("DependsOn"))
          .isEqualTo(parse("['%s']".formatted(created.id(PERMISSION))));
    }

    @Test
    void is_scheduled_for_existing_secrets_by_the_id_that_is_set() {
      StackTemplate existing =
          StackTemplate.of(
              "ROTATION_TRIGGER", "secrets-manager",
              "CREATE_SECRETS", "false",
              "MOMENTO_AUTH_TOKEN_SECRET_NAME", "momento/a," + SECRET_ARN);

      assertThat(existing.all(ROTATION_SCHEDULE).values())
          .extracting(schedule -> schedule.at("/Properties/SecretId").asText())
          .containsExactlyInAnyOrder("momento/a", SECRET_ARN);
      assertThat(existing.all(PERMISSION)).hasSize(2);
    }

    @Test
    void keeps_its_logical_ids_however_the_secret_is_identified() {
      List<Set<String>> ids =
          Stream.of(
                  List.of("true", "momento/other"),
                  List.of("false", "momento/other"),
                  List.of("true", SECRET_ARN))
              .map(
                  source ->
                      StackTemplate.of(
                          "ROTATION_TRIGGER", "secrets-manager",
                          "CREATE_SECRETS", source.get(0),
                          "MOMENTO_AUTH_TOKEN_SECRET_NAME", source.get(1)))
              .map(stack -> Set.of(stack.id(ROTATION_SCHEDULE), stack.id(PERMISSION)))
              .toList();

      // Replacing the schedule under another logical id would disable the rotation.
      assertThat(ids).containsOnly(ids.getFirst());
    }

    @Test
    void may_invoke_the_alias_for_this_secret_of_this_account() {
      StackTemplate created = rotatedBySecretsManager;

      assertThat(created.properties(PERMISSION))
          .isEqualTo(
              parse(
                  """
                  {'Action': 'lambda:InvokeFunction', 'FunctionName': {'Ref': '%s'},
                   'Principal': 'secretsmanager.amazonaws.com',
                   'SourceAccount': {'Ref': 'AWS::AccountId'}, 'SourceArn': {'Ref': '%s'}}\
                  """
                      .formatted(created.id(ALIAS), created.id(SECRET))));
    }
  }

  @Test
  void has_the_outputs_that_scripts_and_operators_need() {
    JsonNode outputs = template.json().path("Outputs");

    assertThat(outputs.properties())
        .extracting(Map.Entry::getKey)
        .containsExactlyInAnyOrder(
            "FunctionAliasArn",
            "FunctionRoleArn",
            "LogGroupName",
            "FailureQueueUrl",
            "UndeliveredQueueUrl",
            "AlarmTopicArn",
            "SecretNames",
            "RotateNowCommand");
    assertThat(outputs.at("/RotateNowCommand/Value").toString())
        .contains("aws lambda invoke --function-name momento-auth-token-refresh-lambda:live")
        .contains("momento_auth_token_secret_name")
        .contains("momento/authentication-token");
  }

  @Test
  void has_outputs_that_tell_the_teardown_where_the_issued_keys_are_listed() {
    JsonNode outputs =
        StackTemplate.of(
                "MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key",
                "MOMENTO_API_ENDPOINT", "api.example.com:8443")
            .json()
            .path("Outputs");

    assertThat(outputs.at("/ManagementKeySecret/Value").asText())
        .isEqualTo("momento/management-key");
    assertThat(outputs.at("/MomentoApiEndpoint/Value").asText()).isEqualTo("api.example.com:8443");
    assertThat(
            StackTemplate.of("MOMENTO_MANAGEMENT_KEY_SECRET", "momento/management-key")
                .json()
                .at("/Outputs/MomentoApiEndpoint/Value")
                .asText())
        .isEqualTo("mga.registry.prod.a.momentohq.com:443");
  }

  @Test
  void the_rotate_now_command_waits_longer_than_the_functions_timeout() {
    String command = template.json().at("/Outputs/RotateNowCommand/Value").toString();
    int timeout = Integer.parseInt(command.replaceAll("(?s).*--cli-read-timeout (\\d+).*", "$1"));

    assertThat(template.properties(FUNCTION).path("Timeout").asInt())
        .isPositive()
        .isLessThan(timeout);
  }

  @Test
  void allows_and_names_no_secret_if_only_a_tag_is_set() {
    StackTemplate tagged = StackTemplate.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "rotate=momento");

    assertThat(tagged.all(SECRET)).isEmpty();
    assertThat(tagged.json().toString()).doesNotContain("authentication-token");
    assertThat(StackTemplate.statements(tagged.role("lambda.amazonaws.com")))
        .extracting(statement -> statement.path("Sid").asText())
        .contains("RotateTaggedSecrets")
        .doesNotContain("RotateSecrets");
  }

  @ParameterizedTest
  @CsvSource({
    "eventbridge, true, ''",
    "eventbridge, false, rotate=momento",
    "secrets-manager, true, ''",
    "secrets-manager, false, ''",
  })
  void cdk_nag_finds_nothing(String trigger, String secrets, String tag) {
    Annotations findings =
        Annotations.fromStack(
            StackTemplate.stack(
                "ROTATION_TRIGGER",
                trigger,
                "CREATE_SECRETS",
                secrets,
                "MOMENTO_AUTH_TOKEN_SECRET_TAG",
                tag,
                "KMS_KEY_ARN",
                KMS_KEY,
                "ALARM_EMAIL",
                "platform@example.com"));

    findings.hasNoError("*", Match.anyValue());
    findings.hasNoWarning("*", Match.anyValue());
  }

  @Test
  void cdk_nag_is_active() {
    KeyRotationStack stack = StackTemplate.stack();
    var _ = new Queue(stack, "Careless");

    assertThatThrownBy(() -> Annotations.fromStack(stack).hasNoError("*", Match.anyValue()))
        .hasMessageContaining("AwsSolutions-SQS4");
  }

  @Test
  void the_suppressed_cdk_nag_rules_are_known() {
    Set<String> accepted =
        Stream.of(
                template,
                rotatedBySecretsManager,
                StackTemplate.of("MOMENTO_AUTH_TOKEN_SECRET_TAG", "a=b"))
            .flatMap(each -> each.json().path("Resources").valueStream())
            .flatMap(resource -> resource.at("/Metadata/cdk_nag/rules_to_suppress").valueStream())
            .map(rule -> rule.path("id").asText())
            .collect(Collectors.toSet());

    assertThat(accepted)
        .containsExactlyInAnyOrder("AwsSolutions-SMG4", "AwsSolutions-SQS3", "AwsSolutions-IAM5");
  }

  @Test
  void smg4_is_suppressed_only_if_the_stacks_schedule_rotates() {
    assertThat(template.only(SECRET).toString()).contains("AwsSolutions-SMG4");
    assertThat(rotatedBySecretsManager.only(SECRET).toString()).doesNotContain("AwsSolutions-SMG4");
  }

  /** Returns the logical id of a queue. */
  private static String queue(StackTemplate template, String id) {
    return template.all(QUEUE).keySet().stream()
        .filter(logicalId -> logicalId.startsWith(id))
        .findFirst()
        .orElseThrow();
  }

  private static String arn(String logicalId) {
    return "{'Fn::GetAtt': ['%s', 'Arn']}".formatted(logicalId);
  }

  private static JsonNode ref(String logicalId) {
    return parse("{'Ref': '%s'}".formatted(logicalId));
  }
}
