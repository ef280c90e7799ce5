package keyrotation.core;

import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLHandshakeException;

/**
 * Describes connections that could not be made, for an operator: to which host and port, through
 * which proxy, and why. An exception's own text is never repeated, since it may quote a key.
 */
public final class ConnectionFailure {

  private static final int MAX_CAUSES = 10;

  /** How the JDK's clients and gRPC report what a proxy has answered to CONNECT. */
  private static final Pattern PROXYS_ANSWER =
      Pattern.compile(
          "(?:Unable to tunnel through proxy\\. Proxy returns \"HTTP/1\\.[01] "
              + "|Tunnel failed, got: "
              + "|Response returned from proxy was not successful \\(expected 2xx, got )(\\d{3})");

  private ConnectionFailure() {}

  /** Describes a failure; empty if there was a connection, as far as the exception tells. */
  public static Optional<String> describe(HostAndPort peer, Throwable failure) {
    List<Throwable> causes =
        Stream.iterate(failure, Objects::nonNull, Throwable::getCause).limit(MAX_CAUSES).toList();
    boolean isProxied = proxyFor(peer).isPresent();
    return causes.stream()
        .flatMap(cause -> nameOrProxy(cause, isProxied).stream())
        .findFirst()
        .or(() -> causes.stream().flatMap(cause -> why(cause).stream()).findFirst())
        .map(why -> describe(peer, why));
  }

  /** Describes a failure of a known cause. */
  public static String describe(HostAndPort peer, String why) {
    return "no connection to " + route(peer) + " (" + why + ")";
  }

  /** Describes a connection that was not made in time. */
  public static String timedOut(HostAndPort peer) {
    return describe(peer, "timed out");
  }

  /** Returns a host and port, and the proxy if one is used for it. */
  public static String route(HostAndPort peer) {
    return peer + proxyFor(peer).map(proxy -> " through the proxy " + proxy).orElse("");
  }

  /** Returns the proxy that the JDK's clients, and gRPC, use for a host. */
  private static Optional<HostAndPort> proxyFor(HostAndPort peer) {
    return Stream.ofNullable(ProxySelector.getDefault())
        .flatMap(selector -> selector.select(URI.create("https://" + peer)).stream())
        .filter(proxy -> proxy.type() == Proxy.Type.HTTP)
        .map(Proxy::address)
        .map(InetSocketAddress.class::cast)
        .map(address -> new HostAndPort(address.getHostString(), address.getPort()))
        .findFirst();
  }

  /** These say more than the exceptions that they are wrapped in. */
  private static Optional<String> nameOrProxy(Throwable cause, boolean isProxied) {
    if (cause instanceof UnknownHostException || cause instanceof UnresolvedAddressException) {
      return Optional.of((isProxied ? "the proxy's" : "the host's") + " name does not resolve");
    }
    Matcher answer = PROXYS_ANSWER.matcher(String.valueOf(cause.getMessage()));
    return answer.find()
        ? Optional.of("the proxy answered HTTP " + answer.group(1))
        : Optional.empty();
  }

  private static Optional<String> why(Throwable cause) {
    return switch (cause) {
      case HttpConnectTimeoutException _ -> Optional.of("timed out");
      case SocketTimeoutException timeout when isAboutConnect(timeout) -> Optional.of("timed out");
      case NoRouteToHostException _ -> Optional.of("no route to host");
      case ConnectException refused when isAboutRefusal(refused) ->
          Optional.of("connection refused");
      case ConnectException _ -> Optional.of("the attempt failed");
      case SSLHandshakeException _ -> Optional.of("the TLS handshake failed");
      default -> Optional.empty();
    };
  }

  private static boolean isAboutConnect(SocketTimeoutException e) {
    return String.valueOf(e.getMessage()).startsWith("Connect timed out");
  }

  private static boolean isAboutRefusal(ConnectException e) {
    return String.valueOf(e.getMessage()).contains("refused") || e.getMessage() == null;
  }
}
