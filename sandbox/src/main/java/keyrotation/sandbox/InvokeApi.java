package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import keyrotation.sandbox.LambdaServer.Outcome;

/**
 * Lambda's Invoke over HTTP, for the AWS command line: synchronous, for every function name and
 * alias.
 */
public final class InvokeApi implements HttpHandler {

  /** What the paths begin with. */
  public static final String PATH = "/2015-03-31/functions/";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final LambdaServer lambda;

  /** Serves a function. */
  public InvokeApi(LambdaServer lambda) {
    this.lambda = lambda;
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String event = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
      Outcome outcome = lambda.invoke(event).outcome();
      if (!(outcome instanceof Outcome.Response)) {
        exchange.getResponseHeaders().set("X-Amz-Function-Error", "Unhandled");
      }
      byte[] payload = payload(outcome).getBytes(UTF_8);
      exchange.sendResponseHeaders(200, payload.length);
      exchange.getResponseBody().write(payload);
    }
  }

  private static String payload(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Response(String json) -> json;
      case Outcome.Failure failure -> failure.json();
      case Outcome.TimedOut _ -> error("Task timed out.");
      case Outcome.Exited(int status) ->
          error("Runtime exited with error: exit status " + status + ".");
    };
  }

  private static String error(String message) {
    return JSON.createObjectNode().put("errorMessage", message).toString();
  }
}
