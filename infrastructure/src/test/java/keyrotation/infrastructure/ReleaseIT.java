package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.sandbox.MotoServer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Deploys several stacks of the release's template with the AWS command line alone, into one
 * account and region of moto.
 *
 * <p>moto 5.2 checks neither rules nor the constraints of parameters. An update that makes a
 * condition false deletes nothing. A stack has outputs only after create-stack and update-stack.
 * {@link CloudFormation} judges what moto does not.
 */
class ReleaseIT {

  /** The types of resources that moto does not create, so that this test does not judge them. */
  private static final Set<String> NOT_MODELLED =
      Set.of(
          "AWS::CloudWatch::Alarm",
          "AWS::CloudWatch::CompositeAlarm",
          "AWS::Lambda::Alias",
          "AWS::Lambda::EventInvokeConfig",
          "AWS::Logs::MetricFilter",
          "AWS::SNS::Subscription",
          "AWS::SNS::TopicPolicy",
          "AWS::SQS::QueuePolicy",
          "AWS::Scheduler::Schedule");

  /** The outputs that need one of these. */
  private static final Set<String> OUTPUTS_NOT_MODELLED = Set.of("FunctionAliasArn");

  /** What moto has of a stack, in lists whose entries name it. */
  private static final List<String> LISTS =
      List.of(
          "cloudformation describe-stacks --query Stacks",
          "cloudwatch list-dashboards --query DashboardEntries",
          "iam list-roles --query Roles",
          "lambda list-functions --query Functions",
          "logs describe-log-groups --query logGroups",
          "sns list-topics --query Topics",
          "sqs list-queues --query QueueUrls");

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAMES = "MOMENTO_AUTH_TOKEN_SECRET_NAME";
  private static final String TAG = "MOMENTO_AUTH_TOKEN_SECRET_TAG";
  private static final String INTERVAL = "CHECK_INTERVAL_IN_HOURS";
  private static final String BUCKET = "my-releases";
  private static final String ARCHIVE = "momento-key-rotation/function.zip";
  private static final List<String> SECRETS =
      List.of("orders/momento", "reports/momento", "tagged/momento");

  @TempDir private Path directory;

  @Test
  void two_stacks_come_up_over_existing_secrets_by_the_commands_of_the_readme_and_one_goes()
      throws IOException, InterruptedException {
    try (MotoServer moto = startMoto()) {
      Account account = account(moto);
      for (String name : List.of("orders", "reports")) {
        account.aws(
            "secretsmanager create-secret --secret-string key --name %s/momento".formatted(name));

        Shell shell =
            new Shell(
                moto.endpoint(),
                Map.of(
                    "AWS_DEFAULT_REGION",
                    "us-east-1",
                    "BUCKET",
                    BUCKET + "-" + name,
                    "SECRET",
                    name + "/momento",
                    "STACK",
                    name + "-keys"));
        Shell.Result deployed =
            shell.run("sh", "-ec", "cd '%s'\n%s".formatted(directory, commandsOfReadme()));
        assertThat(deployed.status()).as(deployed.output()).isZero();

        account.assertDeployed(
            new Deployment(
                name + "-keys",
                Map.of(
                    "SecretNames",
                    name + "/momento",
                    "ManagementKeySecretName",
                    "momento/management-key"),
                Map.of(NAMES, name + "/momento", INTERVAL, "24")),
            "CREATE_COMPLETE");
      }

      account.aws("cloudformation delete-stack --stack-name orders-keys");
      assertThat(
              account.aws("lambda list-functions --query Functions[].FunctionName").valueStream())
          .singleElement()
          .asString()
          .startsWith("\"reports-keys-");
      assertThat(account.aws("secretsmanager list-secrets --query SecretList[].Name").valueStream())
          .extracting(JsonNode::asText)
          .containsExactlyInAnyOrder("orders/momento", "reports/momento");
    }
  }

  @Tag("slow")
  @Test
  void the_check_for_a_real_account_passes_and_cleans_up()
      throws IOException, InterruptedException {
    try (MotoServer moto = startMoto()) {
      Account account = account(moto);
      String path = programAws(account.template) + ":" + System.getenv("PATH");
      Shell shell = new Shell(moto.endpoint(), Map.of("PATH", path));

      Shell.Result checked =
          shell.run("../scripts/check-release.sh", "--yes", directory.toString());

      assertThat(checked.output()).contains("The release is good");
      assertThat(checked.status()).as(checked.output()).isZero();
      assertThat(account.lists().values()).allMatch(JsonNode::isEmpty);
      assertThat(account.aws("secretsmanager list-secrets --query SecretList")).isEmpty();
      assertThat(account.aws("s3api list-buckets --query Buckets")).isEmpty();
    }
  }

  /**
   * Returns a folder with a program {@code aws} that does what moto cannot. It gives each parameter
   * a value, as moto takes a default for a changed value at an update; and it answers for the
   * functions, which moto starts in Docker alone.
   */
  private String programAws(JsonNode template) throws IOException {
    Path folder = Files.createDirectory(directory.resolve("bin"));
    String defaults =
        template.path("Parameters").properties().stream()
            .map(
                parameter ->
                    parameter.getKey() + "=" + parameter.getValue().path("Default").asText())
            .map(value -> "'" + value + "'")
            .collect(joining(" "));
    Path program =
        Files.writeString(
            folder.resolve("aws"),
            """
            #!/bin/sh
            PATH=${PATH#*:}
            if [ "$1 $2" = "lambda invoke" ]; then
              grep -qxF '{"status":true}' && echo None && exit
            fi
            for argument; do
              shift
              set -- "$@" "$argument"
              [ "$argument" != --parameter-overrides ] || set -- "$@" %s
            done
            exec aws "$@"
            """
                .formatted(defaults));
    assertThat(program.toFile().setExecutable(true)).isTrue();
    return folder.toString();
  }

  /** Returns the block that deploys the files of a release. */
  private static String commandsOfReadme() throws IOException {
    return Pattern.compile("(?s)```sh\\n((?:(?!```).)*aws cloudformation deploy.*?)```")
        .matcher(Files.readString(Path.of("../README.md")))
        .results()
        .map(block -> block.group(1))
        .findFirst()
        .orElseThrow();
  }

  private static MotoServer startMoto() throws IOException, InterruptedException {
    Optional<MotoServer> started = MotoServer.start();
    assumeTrue(started.isPresent(), "moto_server is not installed");
    assumeTrue(Shell.isOnPath("aws"), "the AWS command line is not installed");
    return started.get();
  }

  /** Puts the files of a release into the directory, as scripts/release.sh does. */
  private Account account(MotoServer moto) throws IOException {
    String template = StackTemplate.release();
    Files.copy(
        Path.of("../lambda/target/function.zip"), directory.resolve("rotation-function.zip"));
    return new Account(
        new Shell(moto.endpoint()),
        JSON.readTree(template),
        Files.writeString(directory.resolve("momento-key-rotation.template.json"), template));
  }

  @Tag("slow")
  @Test
  void stacks_in_one_account_are_deployed_changed_and_deleted_apart_from_each_other()
      throws IOException, InterruptedException {
    try (MotoServer moto = startMoto()) {
      Account account = account(moto);
      Deployment orders =
          new Deployment(
              "orders-keys",
              Map.of("SecretNames", SECRETS.get(0), "CheckIntervalInHours", "24"),
              Map.of(NAMES, SECRETS.get(0), INTERVAL, "24"));
      Deployment reports =
          new Deployment(
              "reports-keys",
              Map.of("SecretNames", SECRETS.get(1), "AlarmEmail", "platform@example.com"),
              Map.of(NAMES, SECRETS.get(1), INTERVAL, "24"));
      Deployment tagged =
          new Deployment(
              "tagged-keys",
              Map.of("SecretTagValue", "yes"),
              Map.of(TAG, "momento:rotate=yes", INTERVAL, "24"));
      account.createSecrets();
      account.aws("s3 mb s3://" + BUCKET);
      account.aws("s3 cp ../lambda/target/function.zip s3://%s/%s".formatted(BUCKET, ARCHIVE));

      Set<String> missing = new TreeSet<>();
      for (Deployment deployment : List.of(orders, reports, tagged)) {
        account.deploy(deployment);
        missing.addAll(account.assertDeployed(deployment, "CREATE_COMPLETE"));
      }
      assertThat(missing).isEqualTo(NOT_MODELLED);
      Map<String, JsonNode> all = account.lists();
      assertThat(of(orders, all).values()).noneMatch(List::isEmpty);

      Deployment hourly =
          new Deployment(
              orders.stack,
              Map.of("SecretNames", SECRETS.get(0), "CheckIntervalInHours", "1"),
              Map.of(NAMES, SECRETS.get(0), INTERVAL, "1"));
      account.deploy(hourly);
      account.assertDeployed(hourly, "UPDATE_COMPLETE");
      account.update(orders);
      account.assertDeployed(orders, "UPDATE_COMPLETE");
      account.assertOutputs(orders);
      Map<String, JsonNode> changed = account.lists();
      assertThat(of(reports, changed)).isEqualTo(of(reports, all));
      assertThat(of(tagged, changed)).isEqualTo(of(tagged, all));

      account.delete(orders);
      Map<String, JsonNode> rest = account.lists();
      assertThat(of(orders, rest).values()).allMatch(List::isEmpty);
      assertThat(of(reports, rest)).isEqualTo(of(reports, all));
      assertThat(of(tagged, rest)).isEqualTo(of(tagged, all));

      account.delete(reports);
      account.delete(tagged);
      account.aws("cloudformation wait stack-delete-complete --stack-name " + tagged.stack);
      assertThat(account.lists().values()).allMatch(JsonNode::isEmpty);
      account.assertSecretsUnchanged();
    }
  }

  /** Returns the entries that name a stack. Each list has one, as long as the stack exists. */
  private static Map<String, List<JsonNode>> of(
      Deployment deployment, Map<String, JsonNode> lists) {
    Map<String, List<JsonNode>> entries = new TreeMap<>();
    lists.forEach(
        (list, all) ->
            entries.put(
                list,
                all.valueStream()
                    .filter(entry -> entry.toString().contains(deployment.stack))
                    .toList()));
    return entries;
  }

  /**
   * A stack.
   *
   * @param parameters the parameters' values; those of others are the defaults
   * @param variables the environment variables that these give the function that rotates keys
   */
  private record Deployment(
      String stack, Map<String, String> parameters, Map<String, String> variables) {}

  private record Account(Shell shell, JsonNode template, Path file) {

    /** Returns the JSON that a command prints. Only the further arguments can have spaces. */
    JsonNode aws(String arguments, String... more) throws IOException, InterruptedException {
      // Version 1 of the AWS command line ignores AWS_ENDPOINT_URL for SQS.
      String options =
          "aws --region us-east-1 --output json --endpoint-url %s ".formatted(shell.endpoint());
      Shell.Result result =
          shell.run(
              Stream.concat(Stream.of((options + arguments).split(" ", -1)), Stream.of(more))
                  .toArray(String[]::new));
      assertThat(result.status()).as(result.output()).isZero();
      // Commands of another kind print messages, or nothing.
      return result.output().matches("(?s)\\s*[\\[{\"].*")
          ? JSON.readTree(result.output())
          : JSON.createObjectNode();
    }

    void createSecrets() throws IOException, InterruptedException {
      for (String secret : SECRETS) {
        aws(
            "secretsmanager create-secret --name %s --secret-string key-of-%s --tags"
                .formatted(secret, secret),
            "Key=%s,Value=yes".formatted(secret.startsWith("tagged") ? "momento:rotate" : "named"));
      }
    }

    void assertSecretsUnchanged() throws IOException, InterruptedException {
      for (String secret : SECRETS) {
        assertThat(
                aws("secretsmanager get-secret-value --secret-id " + secret)
                    .path("SecretString")
                    .asText())
            .isEqualTo("key-of-" + secret);
      }
    }

    /** As an operator does it. A template of more than 51200 bytes needs a bucket. */
    void deploy(Deployment deployment) throws IOException, InterruptedException {
      aws(
          "cloudformation deploy --capabilities CAPABILITY_IAM --s3-bucket %s --template-file %s"
                  .formatted(BUCKET, file)
              + " --stack-name %s --parameter-overrides".formatted(deployment.stack),
          values(deployment).entrySet().stream()
              .map(value -> value.getKey() + "=" + value.getValue())
              .toArray(String[]::new));
    }

    /** After this, moto has the stack's outputs. */
    void update(Deployment deployment) throws IOException, InterruptedException {
      List<ObjectNode> parameters = new ArrayList<>();
      values(deployment)
          .forEach(
              (name, value) ->
                  parameters.add(
                      JSON.createObjectNode()
                          .put("ParameterKey", name)
                          .put("ParameterValue", value)));
      aws(
          "cloudformation update-stack --capabilities CAPABILITY_IAM --use-previous-template"
              + " --stack-name %s --parameters".formatted(deployment.stack),
          JSON.writeValueAsString(parameters));
    }

    void delete(Deployment deployment) throws IOException, InterruptedException {
      aws("cloudformation delete-stack --stack-name " + deployment.stack);
    }

    /**
     * Returns a value for each parameter. Of defaults, moto splits no list, and at an update it
     * takes them for changed values.
     */
    private Map<String, String> values(Deployment deployment) {
      Map<String, String> values = new TreeMap<>();
      for (var parameter : template.path("Parameters").properties()) {
        values.put(parameter.getKey(), parameter.getValue().path("Default").asText());
      }
      values.put("CreatedSecretName", "");
      values.put("ArchiveBucket", BUCKET);
      values.put("ArchiveKey", ARCHIVE);
      values.putAll(deployment.parameters);
      return values;
    }

    private CloudFormation.Stack expected(Deployment deployment) {
      return CloudFormation.evaluate(template, deployment.stack, values(deployment));
    }

    /**
     * Checks the status, the resources as far as moto creates them, and the functions. Returns the
     * types of the resources that moto does not create.
     */
    Set<String> assertDeployed(Deployment deployment, String status)
        throws IOException, InterruptedException {
      assertThat(describe(deployment).path("StackStatus").asText()).isEqualTo(status);
      Map<String, JsonNode> created = resources(deployment);
      JsonNode resources = expected(deployment).resources();
      Set<String> missing = new TreeSet<>();
      for (var resource : resources.properties()) {
        String type = resource.getValue().path("Type").asText();
        JsonNode found = created.remove(resource.getKey());
        if (found == null) {
          missing.add(type);
        } else {
          assertThat(found.path("ResourceType").asText()).isEqualTo(type);
          if (type.equals("AWS::Lambda::Function")) {
            Map<String, String> variables = variables(found.path("PhysicalResourceId").asText());
            assertThat(variables)
                .isEqualTo(texts(resource.getValue().at("/Properties/Environment/Variables")));
            if (resource.getKey().startsWith("Rotation")) {
              assertThat(variables).containsAllEntriesOf(deployment.variables);
            }
          }
        }
      }
      assertThat(created).as("Resources that the template does not create").isEmpty();
      return missing;
    }

    /** Returns the environment variables of a function. */
    private Map<String, String> variables(String function)
        throws IOException, InterruptedException {
      return texts(
          aws(
              "lambda get-function-configuration --query Environment.Variables --function-name "
                  + function));
    }

    private static Map<String, String> texts(JsonNode object) {
      Map<String, String> texts = new TreeMap<>();
      object.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
      return texts;
    }

    void assertOutputs(Deployment deployment) throws IOException, InterruptedException {
      Map<String, String> outputs = new TreeMap<>();
      describe(deployment)
          .path("Outputs")
          .forEach(
              output ->
                  outputs.put(
                      output.path("OutputKey").asText(), output.path("OutputValue").asText()));
      Set<String> expected = new TreeSet<>();
      expected(deployment).outputs().fieldNames().forEachRemaining(expected::add);
      assertThat(expected).containsAll(OUTPUTS_NOT_MODELLED);
      expected.removeAll(OUTPUTS_NOT_MODELLED);
      assertThat(outputs.keySet()).isEqualTo(expected);
      assertThat(outputs.values()).noneMatch(String::isBlank);
      assertThat(outputs).containsEntry("SecretNames", SECRETS.get(0));
    }

    private JsonNode describe(Deployment deployment) throws IOException, InterruptedException {
      return aws(
          "cloudformation describe-stacks --query Stacks[0] --stack-name " + deployment.stack);
    }

    /** Returns the resources that moto created, by logical id. */
    private Map<String, JsonNode> resources(Deployment deployment)
        throws IOException, InterruptedException {
      Map<String, JsonNode> resources = new TreeMap<>();
      for (JsonNode resource :
          aws(
              "cloudformation list-stack-resources --query StackResourceSummaries --stack-name "
                  + deployment.stack)) {
        // Those that it does not create have no names.
        String id = resource.path("LogicalResourceId").asText();
        if (!id.isEmpty()) {
          resources.put(id, resource);
        }
      }
      return resources;
    }

    Map<String, JsonNode> lists() throws IOException, InterruptedException {
      Map<String, JsonNode> lists = new TreeMap<>();
      for (String list : LISTS) {
        lists.put(list, aws(list));
      }
      return lists;
    }
  }
}
