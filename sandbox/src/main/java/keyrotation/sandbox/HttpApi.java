package keyrotation.sandbox;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import keyrotation.sandbox.LambdaServer.Invocation;
import keyrotation.sandbox.LambdaServer.Outcome;

/**
 * A stand-in for an HTTP API of Amazon API Gateway with one route, which leads to a function in the
 * payload format 2.0.
 *
 * <p>{@code sandbox/README.md} describes what it models.
 */
public final class HttpApi implements AutoCloseable {

  private final LambdaServer lambda;
  private final String route;
  private final Authorizer authorizer;
  private final InstantSource clock;
  private final HttpServer http;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Invocation> invocations = new CopyOnWriteArrayList<>();
  private volatile Optional<Throttle> throttle = Optional.empty();

  private HttpApi(LambdaServer lambda, String route, Authorizer authorizer, InstantSource clock)
      throws IOException {
    this.lambda = lambda;
    this.route = route;
    this.authorizer = authorizer;
    this.clock = clock;
    this.http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.setExecutor(threads);
    http.createContext("/", this::handle);
    http.start();
  }

  /**
   * Starts an API on a free port.
   *
   * @param lambda runs the function, and is not closed with the API
   * @param route method and path, such as {@code POST /tokens}
   * @param clock judges the tokens of callers, and fills the throttle
   */
  public static HttpApi start(
      LambdaServer lambda, String route, Authorizer authorizer, InstantSource clock) {
    try {
      return new HttpApi(lambda, route, authorizer, clock);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the URL of the API, without a path. */
  public URI endpoint() {
    return URI.create("http://localhost:" + http.getAddress().getPort());
  }

  /**
   * Throttles later requests; at first there is no limit.
   *
   * @param rate how many requests a second are passed on over time
   * @param burst how many are passed on at once
   */
  public void throttle(double rate, int burst) {
    throttle = Optional.of(new Throttle(rate, burst, clock.instant()));
  }

  /** Returns the function's invocations so far, in order. */
  public List<Invocation> invocations() {
    return List.copyOf(invocations);
  }

  @Override
  public void close() {
    http.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      HttpApiRequest request = HttpApiRequest.read(exchange);
      answer(request).write(exchange, request.id());
    }
  }

  private HttpApiResponse answer(HttpApiRequest request) {
    if (!route.equals(request.method() + " " + request.path())) {
      return HttpApiResponse.message(404, "Not Found");
    }
    Instant now = clock.instant();
    if (throttle.isPresent() && !throttle.get().admits(now)) {
      return HttpApiResponse.message(429, "Too Many Requests");
    }
    return authorizer
        .caller(request.header("authorization"), now)
        .map(caller -> invoke(request.event(route, caller, now)))
        .orElseGet(this::refusal);
  }

  private HttpApiResponse refusal() {
    return switch (authorizer) {
      case Authorizer.Jwt _ ->
          HttpApiResponse.message(401, "Unauthorized").with("www-authenticate", "Bearer");
      case Authorizer.Iam _ -> HttpApiResponse.message(403, "Forbidden");
    };
  }

  private HttpApiResponse invoke(ObjectNode event) {
    Invocation invocation = lambda.invoke(event.toString());
    invocations.add(invocation);
    return switch (invocation.outcome()) {
      case Outcome.Response(String json) -> HttpApiResponse.of(json);
      case Outcome.Failure _, Outcome.TimedOut _, Outcome.Exited _ -> HttpApiResponse.failure();
    };
  }

  /** Passes on requests at a rate, and some at once after a pause. */
  private static final class Throttle {
    private final double rate;
    private final int burst;
    private double available;
    private Instant filled;

    Throttle(double rate, int burst, Instant now) {
      this.rate = rate;
      this.burst = burst;
      this.available = burst;
      this.filled = now;
    }

    synchronized boolean admits(Instant now) {
      double seconds = Duration.between(filled, now).toNanos() / 1e9;
      available = Math.min(burst, available + rate * seconds);
      filled = now;
      if (available < 1) {
        return false;
      }
      available--;
      return true;
    }
  }
}
