package keyrotation;

import static keyrotation.ReportedResult.ROTATED;
import static keyrotation.ResultAssert.assertThatResult;
import static keyrotation.RotationFixture.SECRET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import keyrotation.sandbox.ConnectProxy;
import keyrotation.sandbox.LambdaServer;
import keyrotation.sandbox.MomentoServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The deployed function in a process of its own, where hosts can be reached by a proxy alone. */
class ProxyIT {

  private static final String SECRETS_MANAGER = "secretsmanager.sandbox:443";
  private static final String CONTROL_PLANE = "control." + MomentoServer.ENDPOINT + ":443";
  private static final String API = "api." + MomentoServer.ENDPOINT + ":443";

  private ConnectProxy proxy = ConnectProxy.start(Map.of());

  /** From a snapshot, before which the function calls stand-ins in its own process. */
  private final PackedFunction function =
      new PackedFunction(KeyKind.V2, true, this::environmentWithProxy);

  @AfterEach
  void stop() {
    function.close();
    proxy.close();
  }

  private Map<String, String> environmentWithProxy(Map<String, String> environment) {
    Map<String, String> changed = new HashMap<>(environment);
    int momento = port("https://" + changed.remove("MOMENTO_CONTROL_ENDPOINT"));
    int api = port("https://" + changed.put("MOMENTO_API_ENDPOINT", API));
    int secretsManager =
        port(String.valueOf(changed.put("AWS_ENDPOINT_URL", "https://" + SECRETS_MANAGER)));
    proxy.close();
    proxy =
        ConnectProxy.start(
            Map.of(SECRETS_MANAGER, secretsManager, CONTROL_PLANE, momento, API, api));
    changed.merge(
        "JAVA_TOOL_OPTIONS",
        " -Dhttps.proxyHost=localhost -Dhttps.proxyPort=%d -Dhttp.nonProxyHosts=localhost|127.*|[::1]"
            .formatted(proxy.port()),
        String::concat);
    return changed;
  }

  private static int port(String url) {
    return URI.create(url).getPort();
  }

  @Test
  void all_connections_of_a_rotation_go_through_the_proxy_and_no_others_do() {
    var _ = function.storeV2Key();

    LambdaServer.Invocation first = rotate("1");

    assertThat(first.outcome()).isInstanceOf(LambdaServer.Outcome.Response.class);
    assertThatResult(
            RotationFixture.parse(((LambdaServer.Outcome.Response) first.outcome()).json()))
        .is(ROTATED);
    assertThat(proxy.requested())
        .contains(SECRETS_MANAGER, CONTROL_PLANE, API)
        .containsOnly(SECRETS_MANAGER, CONTROL_PLANE, API);
  }

  @Test
  void a_proxy_that_refuses_is_named_in_the_failure() {
    var _ = function.storeV2Key();
    proxy.refuse("403 Forbidden");

    assertThat(rotate("1").outcome())
        .asInstanceOf(type(LambdaServer.Outcome.Failure.class))
        .satisfies(
            failure ->
                assertThat(failure.message())
                    .contains(
                        "no connection to %s through the proxy localhost:%d (the proxy answered HTTP 403)"
                            .formatted(SECRETS_MANAGER, proxy.port())));
  }

  private LambdaServer.Invocation rotate(String requestId) {
    return function.lambda.invoke(RotationFixture.manualEvent(SECRET), requestId);
  }
}
