package keyrotation.infrastructure;

import static keyrotation.infrastructure.StackTemplate.KMS_KEY;
import static keyrotation.infrastructure.StackTemplate.parse;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import software.amazon.awscdk.assertions.Annotations;
import software.amazon.awscdk.assertions.Match;

/** What is added to the stack with tokens: the API, above all. */
class TokenApiTest {

  private static final String FUNCTION = "AWS::Lambda::Function";
  private static final String ALIAS = "AWS::Lambda::Alias";
  private static final String LOG_GROUP = "AWS::Logs::LogGroup";
  private static final String API = "AWS::ApiGatewayV2::Api";
  private static final String ROUTE = "AWS::ApiGatewayV2::Route";

  static final String[] IAM = {
    "TOKENS_AUTHORIZER", "iam", "TOKENS_JWT_ISSUER", "", "TOKENS_JWT_AUDIENCE", ""
  };

  private final StackTemplate template = StackTemplate.withTokens();

  static List<Map<String, String>> stacks() {
    return List.of(
        StackTemplate.tokens("KMS_KEY_ARN", KMS_KEY, "TOKENS_ALLOWED_ORIGINS", "https://a.example"),
        StackTemplate.tokens(IAM),
        StackTemplate.tokens("CREATE_SECRETS", "false", "ROTATION_TRIGGER", "secrets-manager"));
  }

  @Test
  void only_the_needed_resources_are_added() {
    List<String> added = new ArrayList<>(template.types());
    StackTemplate.of().types().forEach(added::remove);

    assertThat(added)
        .containsExactlyInAnyOrder(
            FUNCTION,
            "AWS::Lambda::Version",
            ALIAS,
            "AWS::Lambda::Permission",
            "AWS::IAM::Role",
            LOG_GROUP,
            LOG_GROUP,
            "AWS::Logs::MetricFilter",
            "AWS::Logs::MetricFilter",
            "AWS::CloudWatch::Alarm",
            "AWS::CloudWatch::Alarm",
            "AWS::CloudWatch::Alarm",
            API,
            "AWS::ApiGatewayV2::Authorizer",
            "AWS::ApiGatewayV2::Integration",
            ROUTE,
            "AWS::ApiGatewayV2::Stage");
  }

  @Test
  void nothing_of_the_rotation_changes_but_its_rate_and_what_shows_all_alarms() {
    JsonNode without = StackTemplate.of().json().path("Resources");
    JsonNode with = template.json().path("Resources");

    assertThat(without.properties())
        .filteredOn(resource -> !resource.getValue().equals(with.path(resource.getKey())))
        .extracting(resource -> resource.getValue().path("Type").asText())
        .containsExactlyInAnyOrder(
            FUNCTION,
            // Its logical id changes with the function's environment.
            "AWS::Lambda::Version",
            ALIAS,
            "AWS::CloudWatch::CompositeAlarm",
            "AWS::CloudWatch::Dashboard");
    assertThat(
            template
                .properties(FUNCTION, "Rotation")
                .at("/Environment/Variables/MOMENTO_REFRESHES_PER_SECOND")
                .asText())
        .isEqualTo("2");
  }

  @ParameterizedTest
  @MethodSource("stacks")
  void no_role_has_a_managed_policy_a_star_or_another_policy_attached(
      Map<String, String> settings) {
    StackTemplate.of(settings).assertThatNoRoleHasAWidePolicy();
  }

  @Test
  void only_the_route_of_this_api_may_invoke_the_alias() {
    assertThat(template.properties("AWS::Lambda::Permission"))
        .isEqualTo(
            parse(
                """
                {'Action': 'lambda:InvokeFunction', 'FunctionName': {'Ref': '%s'},
                 'Principal': 'apigateway.amazonaws.com',
                 'SourceArn': {'Fn::Join': ['', ['arn:', {'Ref': 'AWS::Partition'}, ':execute-api:',
                   {'Ref': 'AWS::Region'}, ':', {'Ref': 'AWS::AccountId'}, ':', {'Ref': '%s'},
                   '/$default/POST/tokens']]}}\
                """
                    .formatted(template.id(ALIAS, "Tokens"), template.id(API))));
  }

  @Test
  void the_one_route_invokes_the_alias() {
    assertThat(template.properties(ROUTE).path("RouteKey").asText()).isEqualTo("POST /tokens");
    assertThat(template.properties(ROUTE).path("Target").toString())
        .contains(template.id("AWS::ApiGatewayV2::Integration"));
    assertThat(template.properties("AWS::ApiGatewayV2::Integration"))
        .isEqualTo(
            parse(
                """
                {'ApiId': {'Ref': '%s'}, 'IntegrationType': 'AWS_PROXY',
                 'IntegrationUri': {'Ref': '%s'}, 'PayloadFormatVersion': '2.0'}\
                """
                    .formatted(template.id(API), template.id(ALIAS, "Tokens"))));
  }

  @Test
  void callers_need_a_jwt_of_the_issuer_for_one_of_the_audiences() {
    StackTemplate jwt = StackTemplate.withTokens("TOKENS_JWT_AUDIENCE", "a, b");

    assertThat(jwt.properties(ROUTE).path("AuthorizationType").asText()).isEqualTo("JWT");
    assertThat(jwt.properties(ROUTE).path("AuthorizerId"))
        .isEqualTo(parse("{'Ref': '%s'}".formatted(jwt.id("AWS::ApiGatewayV2::Authorizer"))));
    JsonNode authorizer = jwt.properties("AWS::ApiGatewayV2::Authorizer");
    assertThat(authorizer.path("AuthorizerType").asText()).isEqualTo("JWT");
    assertThat(authorizer.path("IdentitySource"))
        .isEqualTo(parse("['$request.header.Authorization']"));
    assertThat(authorizer.path("JwtConfiguration"))
        .isEqualTo(parse("{'Issuer': 'https://login.example.com', 'Audience': ['a', 'b']}"));
  }

  @Test
  void callers_need_aws_credentials_instead_on_request() {
    StackTemplate iam = StackTemplate.withTokens(IAM);

    assertThat(iam.properties(ROUTE).path("AuthorizationType").asText()).isEqualTo("AWS_IAM");
    assertThat(iam.all("AWS::ApiGatewayV2::Authorizer")).isEmpty();
  }

  @Test
  void the_stage_limits_the_rate_and_logs_each_request_without_headers_and_claims() {
    JsonNode stage =
        StackTemplate.withTokens("TOKENS_PER_SECOND", "4").properties("AWS::ApiGatewayV2::Stage");

    assertThat(stage.path("StageName").asText()).isEqualTo("$default");
    assertThat(stage.path("AutoDeploy").asBoolean()).isTrue();
    assertThat(stage.path("DefaultRouteSettings"))
        .isEqualTo(parse("{'ThrottlingRateLimit': 4, 'ThrottlingBurstLimit': 4}"));
    assertThat(stage.at("/AccessLogSettings/DestinationArn"))
        .isEqualTo(
            parse(
                "{'Fn::GetAtt': ['%s', 'Arn']}"
                    .formatted(template.id(LOG_GROUP, "TokenApiAccessLog"))));
    assertThat(parse(stage.at("/AccessLogSettings/Format").asText()))
        .isEqualTo(
            parse(
                """
                {'time': '$context.requestTime',
                 'api_request_id': '$context.requestId',
                 'route': '$context.routeKey',
                 'status': '$context.status',
                 'protocol': '$context.protocol',
                 'latency_ms': '$context.responseLatency',
                 'integration_error': '$context.integrationErrorMessage',
                 'authorizer_error': '$context.authorizer.error',
                 'source_ip': '$context.identity.sourceIp'}\
                """));
  }

  @Test
  void only_named_pages_may_call_the_api() {
    assertThat(template.properties(API).has("CorsConfiguration")).isFalse();
    assertThat(
            StackTemplate.withTokens(
                    "TOKENS_ALLOWED_ORIGINS", "https://app.example.com,http://localhost:3000")
                .properties(API)
                .path("CorsConfiguration"))
        .isEqualTo(
            parse(
                """
                {'AllowOrigins': ['https://app.example.com', 'http://localhost:3000'],
                 'AllowMethods': ['POST'], 'AllowHeaders': ['authorization', 'content-type'],
                 'ExposeHeaders': ['retry-after'], 'MaxAge': 3600}\
                """));
  }

  @Test
  void pages_that_sign_their_requests_may_send_the_headers_of_that() {
    String[] settings = Arrays.copyOf(IAM, IAM.length + 2);
    settings[IAM.length] = "TOKENS_ALLOWED_ORIGINS";
    settings[IAM.length + 1] = "https://app.example.com";

    assertThat(
            StackTemplate.withTokens(settings)
                .properties(API)
                .at("/CorsConfiguration/AllowHeaders")
                .valueStream()
                .map(JsonNode::asText))
        .containsExactly(
            "authorization",
            "content-type",
            "x-amz-content-sha256",
            "x-amz-date",
            "x-amz-security-token");
  }

  @Test
  void the_outputs_name_the_url_and_the_logs() {
    JsonNode outputs = template.json().path("Outputs");

    assertThat(outputs.at("/TokensUrl/Value"))
        .isEqualTo(
            parse(
                "{'Fn::Join': ['', [{'Fn::GetAtt': ['%s', 'ApiEndpoint']}, '/tokens']]}"
                    .formatted(template.id(API))));
    assertThat(outputs.at("/TokensLogGroupName/Value/Ref").asText())
        .isEqualTo(template.id(LOG_GROUP, "TokensLog"));
    assertThat(outputs.at("/TokensAccessLogGroupName/Value/Ref").asText())
        .isEqualTo(template.id(LOG_GROUP, "TokenApiAccessLog"));
  }

  @ParameterizedTest
  @MethodSource("stacks")
  void cdk_nag_finds_nothing_and_no_finding_is_suppressed(Map<String, String> settings) {
    Annotations findings = Annotations.fromStack(StackTemplate.stack(settings));

    findings.hasNoError("*", Match.anyValue());
    findings.hasNoWarning("*", Match.anyValue());
    assertThat(StackTemplate.of(settings).json().path("Resources").properties())
        .filteredOn(resource -> resource.getKey().startsWith("Token"))
        .isNotEmpty()
        .allSatisfy(
            resource -> assertThat(resource.getValue().path("Metadata").has("cdk_nag")).isFalse());
  }
}
