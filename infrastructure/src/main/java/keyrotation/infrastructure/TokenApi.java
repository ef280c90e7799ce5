package keyrotation.infrastructure;

import java.util.List;
import keyrotation.infrastructure.TokenStackSettings.Callers;
import software.amazon.awscdk.ArnComponents;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.aws_apigatewayv2_authorizers.HttpIamAuthorizer;
import software.amazon.awscdk.aws_apigatewayv2_authorizers.HttpJwtAuthorizer;
import software.amazon.awscdk.aws_apigatewayv2_integrations.HttpLambdaIntegration;
import software.amazon.awscdk.services.apigatewayv2.AddRoutesOptions;
import software.amazon.awscdk.services.apigatewayv2.CfnStage;
import software.amazon.awscdk.services.apigatewayv2.CorsHttpMethod;
import software.amazon.awscdk.services.apigatewayv2.CorsPreflightOptions;
import software.amazon.awscdk.services.apigatewayv2.HttpApi;
import software.amazon.awscdk.services.apigatewayv2.HttpMethod;
import software.amazon.awscdk.services.apigatewayv2.HttpRoute;
import software.amazon.awscdk.services.apigatewayv2.IHttpRouteAuthorizer;
import software.amazon.awscdk.services.cloudwatch.Metric;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.lambda.CfnPermission;
import software.amazon.awscdk.services.lambda.IAlias;
import software.amazon.awscdk.services.logs.LogGroup;
import software.constructs.Construct;

/** The HTTP API that verifies callers, and passes their requests to the function. */
final class TokenApi extends Construct {

  private static final String PATH = "/tokens";
  private static final String STAGE = "$default";

  /** The name of a request's id is that in the function's log. No header and no claim is logged. */
  private static final String LOG_LINE =
      """
      {"time":"$context.requestTime",\
      "api_request_id":"$context.requestId",\
      "route":"$context.routeKey",\
      "status":"$context.status",\
      "protocol":"$context.protocol",\
      "latency_ms":"$context.responseLatency",\
      "integration_error":"$context.integrationErrorMessage",\
      "authorizer_error":"$context.authorizer.error",\
      "source_ip":"$context.identity.sourceIp"}\
      """;

  /** What browsers send that sign their requests with AWS credentials. */
  private static final List<String> SIGNED_HEADERS =
      List.of(
          "authorization",
          "content-type",
          "x-amz-content-sha256",
          "x-amz-date",
          "x-amz-security-token");

  private final HttpApi api;
  private final LogGroup accessLog;

  /**
   * Creates the API.
   *
   * @param function the alias to invoke
   */
  TokenApi(
      Construct scope,
      String id,
      TokenStackSettings settings,
      Hosting hosting,
      StackNames names,
      IAlias function) {
    super(scope, id);
    this.accessLog = FunctionParts.logGroup(this, "AccessLog", hosting);
    HttpApi.Builder builder =
        HttpApi.Builder.create(this, "Api")
            .apiName(names.prefix() + "-tokens")
            .description("Makes short-lived Momento tokens for verified callers.")
            .createDefaultStage(false);
    if (!settings.allowedOrigins().isEmpty()) {
      builder.corsPreflight(cors(settings.allowedOrigins(), settings.callers()));
    }
    this.api = builder.build();
    addRoute(settings.callers(), function);
    addStage(settings.function().tokensPerSecond());
    TokenMetric.THROTTLED.addFilter(this, accessLog, names.namespace());
  }

  private static CorsPreflightOptions cors(List<String> origins, Callers callers) {
    return CorsPreflightOptions.builder()
        .allowOrigins(origins)
        .allowMethods(List.of(CorsHttpMethod.POST))
        .allowHeaders(
            switch (callers) {
              case Callers.WithJwt _ -> List.of("authorization", "content-type");
              case Callers.WithAwsCredentials _ -> SIGNED_HEADERS;
            })
        .exposeHeaders(List.of("retry-after"))
        .maxAge(Duration.hours(1))
        .build();
  }

  private void addRoute(Callers callers, IAlias function) {
    HttpRoute route =
        api.addRoutes(
                AddRoutesOptions.builder()
                    .path(PATH)
                    .methods(List.of(HttpMethod.POST))
                    .authorizer(authorizer(callers))
                    .integration(new HttpLambdaIntegration("Function", function))
                    .build())
            .getFirst();
    // The CDK allows all stages and methods.
    CfnPermission permission = (CfnPermission) route.getNode().findChild("Function-Permission");
    permission.setSourceArn(
        Stack.of(this)
            .formatArn(
                ArnComponents.builder()
                    .service("execute-api")
                    .resource(api.getApiId())
                    .resourceName(STAGE + "/POST" + PATH)
                    .build()));
  }

  private static IHttpRouteAuthorizer authorizer(Callers callers) {
    return switch (callers) {
      case Callers.WithJwt(String issuer, List<String> audiences) ->
          HttpJwtAuthorizer.Builder.create("Jwt", issuer).jwtAudience(audiences).build();
      case Callers.WithAwsCredentials() -> new HttpIamAuthorizer();
    };
  }

  private void addStage(int requestsPerSecond) {
    CfnStage.Builder.create(this, "Stage")
        .apiId(api.getApiId())
        .stageName(STAGE)
        .autoDeploy(true)
        .defaultRouteSettings(
            CfnStage.RouteSettingsProperty.builder()
                .throttlingRateLimit(requestsPerSecond)
                .throttlingBurstLimit(requestsPerSecond)
                .build())
        .accessLogSettings(
            CfnStage.AccessLogSettingsProperty.builder()
                .destinationArn(accessLog.getLogGroupArn())
                .format(LOG_LINE)
                .build())
        .build();
  }

  /** Returns the URL to which requests for tokens go. */
  String url() {
    return api.getApiEndpoint() + PATH;
  }

  LogGroup accessLog() {
    return accessLog;
  }

  /** Returns the number of responses in a period that report a failure of the API. */
  Metric serverErrors(Duration period) {
    return api.metricServerError(MetricOptions.builder().period(period).statistic("Sum").build());
  }
}
