package keyrotation.sandbox.live;

import static java.time.temporal.ChronoUnit.SECONDS;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import keyrotation.sandbox.live.ControlPlane.Answer;
import keyrotation.sandbox.live.LiveSettings.HostAndPort;

/**
 * The v2 keys of a Momento account. A management key issues keys for trials, which {@link #close}
 * deletes. They can only read caches.
 */
final class V2Account implements AutoCloseable {

  /** The prefix of all descriptions. */
  static final String PREFIX = "momento-key-rotation-live-check/";

  /** Momento's own role that can only read caches. */
  static final String ROLE = "r-viewer";

  /** The lifetime of keys in most trials. */
  static final Duration KEY_LIFETIME = Duration.ofMinutes(30);

  /** The largest page of the list of keys. */
  static final int LARGEST_PAGE = 100;

  /** More pages than this are taken for a list without an end. */
  private static final int MAX_PAGES = 1_000;

  /** The longest wait for an issued key to be listed, or for a deleted one to be omitted. */
  private static final Duration LISTING_TIMEOUT = Duration.ofMinutes(2);

  /** The longest wait for a key whose issue was not answered to be listed. */
  private static final Duration LOST_KEY_TIMEOUT = Duration.ofSeconds(30);

  private final HostAndPort apiTarget;
  private final MomentoApi api;
  private final ControlPlane controlPlane;
  private final ManagementKey managementKey;
  private final Poller poller;
  private final Report report;
  private final String descriptions = PREFIX + UUID.randomUUID().toString().substring(0, 8);
  private final Set<String> undeleted = new LinkedHashSet<>();
  private final Set<String> deleted = new HashSet<>();
  private int ordersWithoutId;

  private V2Account(
      ManagementKey managementKey,
      LiveSettings settings,
      LiveCheck.Connections connections,
      Poller poller,
      Report report) {
    this.apiTarget = settings.apiEndpoint().orElse(MomentoApi.DEFAULT_TARGET);
    this.api = new MomentoApi(apiTarget, connections.momentoApi(), poller);
    this.controlPlane =
        new ControlPlane(managementKey.endpoint(), settings, connections.momento(), poller);
    this.managementKey = managementKey;
    this.poller = poller;
    this.report = report;
  }

  /**
   * Connects and verifies the management key.
   *
   * @throws InconclusiveException if Momento cannot be reached, or the key may not manage keys
   */
  static V2Account connect(
      ManagementKey managementKey,
      LiveSettings settings,
      LiveCheck.Connections connections,
      Poller poller,
      Report report)
      throws InterruptedException {
    V2Account account = new V2Account(managementKey, settings, connections, poller, report);
    try {
      account.requireReachable();
      return account;
    } catch (InconclusiveException e) {
      account.close();
      throw e;
    }
  }

  private void requireReachable() throws InterruptedException {
    try {
      if (api.page(managementKey.token(), 1, "") instanceof ApiAnswer.Refused refused) {
        throw refusal(refused);
      }
    } catch (UnavailableException e) {
      throw new InconclusiveException(
          "Momento's API at %s cannot be reached. %s".formatted(apiTarget, e.reason())
              + " Check MOMENTO_API_ENDPOINT, the network and the certificates.");
    }
    try {
      var _ = controlPlane.listCaches(managementKey.token());
    } catch (UnavailableException e) {
      throw controlPlane.unreachable(e);
    }
  }

  private static InconclusiveException refusal(ApiAnswer.Refused refused) {
    return new InconclusiveException(
        "Momento's API refuses the key of %s with %s. It must be a valid v2 key whose role may manage keys."
            .formatted(LiveSettings.MANAGEMENT_KEY_FILE, refused));
  }

  /** Returns the address of the API. */
  HostAndPort apiTarget() {
    return apiTarget;
  }

  /** Returns the address of the control plane. */
  HostAndPort controlTarget() {
    return controlPlane.target();
  }

  /** Returns how the descriptions of this run's keys begin. */
  String descriptions() {
    return descriptions;
  }

  ManagementKey managementKey() {
    return managementKey;
  }

  Poller poller() {
    return poller;
  }

  /** Has a key issued that expires after {@link #KEY_LIFETIME}. */
  TrialKey issue() throws InterruptedException {
    return issue(descriptions, Optional.of(inSeconds(KEY_LIFETIME)));
  }

  /**
   * Has a key issued.
   *
   * @param description must begin with {@link #descriptions}
   * @param expiry empty if the key never expires
   */
  TrialKey issue(String description, Optional<Instant> expiry) throws InterruptedException {
    return TrialKey.of(require("issue a key", order(ROLE, description, expiry)));
  }

  /** The same, for a role of this id; returns Momento's answer. */
  ApiAnswer order(String roleId, String description, Optional<Instant> expiry)
      throws InterruptedException {
    ObjectNode order =
        JsonNodeFactory.instance
            .objectNode()
            .put("role_id", roleId)
            .put("description", description)
            .put("exclude_refresh_token", true);
    if (expiry.isPresent()) {
      order.put("expiry", expiry.get().getEpochSecond());
    } else {
      order.put("expiry", "never");
    }
    // Counted before the call, so that the key is deleted even if the response is lost.
    ordersWithoutId++;
    ApiAnswer answer = api.issue(managementKey.token(), order);
    List<String> ids = answer instanceof ApiAnswer.Success(JsonNode body) ? ids(body) : List.of();
    undeleted.addAll(ids);
    if (answer instanceof ApiAnswer.Refused || !ids.isEmpty()) {
      ordersWithoutId--;
    }
    return answer;
  }

  /** Returns the ids that an answer states for a new key: the same twice, if all is as assumed. */
  private static List<String> ids(JsonNode body) {
    TrialKey key = TrialKey.of(body);
    return Stream.of(key.info().id(), key.claims().path("jti").asText())
        .filter(MomentoApi::isUsable)
        .toList();
  }

  /** Returns the instant after a duration, in whole seconds. */
  Instant inSeconds(Duration duration) {
    return poller.now().plus(duration).truncatedTo(SECONDS);
  }

  /** Deletes a key. */
  ApiAnswer delete(String id) throws InterruptedException {
    ApiAnswer answer = api.delete(managementKey.token(), id);
    if (answer instanceof ApiAnswer.Success) {
      undeleted.remove(id);
      deleted.add(id);
    }
    return answer;
  }

  /** Returns the answer to a call that lists keys, with any token. */
  ApiAnswer listWith(String token) throws InterruptedException {
    return api.page(token, 1, "");
  }

  /**
   * Lists all keys.
   *
   * @param pageSize how many keys a page has
   * @throws RefutedException if Momento refuses, or the list has no end
   */
  List<KeyInfo> list(int pageSize) throws InterruptedException {
    List<KeyInfo> keys = new ArrayList<>();
    Set<String> tokens = new HashSet<>();
    String token = "";
    do {
      JsonNode page = require("list keys", api.page(managementKey.token(), pageSize, token));
      if (!page.path("key_info").isArray()) {
        throw new RefutedException("A page of the list of keys has no array key_info.");
      }
      page.path("key_info").forEach(entry -> keys.add(KeyInfo.of(entry)));
      token = page.hasNonNull("next_token") ? page.path("next_token").asText() : "";
      if (!tokens.add(token) || tokens.size() > MAX_PAGES) {
        throw new RefutedException("The list of keys has no end.");
      }
    } while (!token.isEmpty());
    return keys;
  }

  /** Returns a key as the list shows it; empty if the list does not show it. */
  Optional<KeyInfo> find(String id) throws InterruptedException {
    return list(LARGEST_PAGE).stream().filter(key -> key.id().equals(id)).findFirst();
  }

  /** The same, repeated until the list shows the key. */
  Optional<KeyInfo> findEventually(String id) throws InterruptedException {
    return poller.await(
        "a new key to be listed", LISTING_TIMEOUT, () -> find(id), Optional::isPresent);
  }

  /** Tells whether the list omits a key, repeated until it does. */
  boolean isOmittedEventually(String id) throws InterruptedException {
    return poller
        .await("a deleted key to be omitted", LISTING_TIMEOUT, () -> find(id), Optional::isEmpty)
        .isEmpty();
  }

  /** Calls ListCaches, which verifies a key without side effects. */
  Answer listCaches(String token) throws InterruptedException {
    return controlPlane.listCaches(token);
  }

  private static JsonNode require(String what, ApiAnswer answer) {
    return switch (answer) {
      case ApiAnswer.Success(JsonNode body) -> body;
      case ApiAnswer.Refused refused when refused.is(401) || refused.is(403) ->
          throw refusal(refused);
      case ApiAnswer.Refused refused when refused.isJson() ->
          throw new RefutedException("Momento refused to %s: %s.".formatted(what, refused));
      case ApiAnswer.Refused refused ->
          throw new InconclusiveException(
              "Something before Momento refused to %s: %s.".formatted(what, refused));
    };
  }

  /** Deletes all keys of this run, even if the check was interrupted. */
  @Override
  public void close() {
    boolean wasInterrupted = Thread.interrupted();
    try {
      deleteKeys();
    } catch (InconclusiveException | RefutedException | InterruptedException e) {
      report.error(
          "It is not certain that all v2 keys were deleted. In Momento's console, delete those"
              + " whose description begins with %s.".formatted(descriptions));
    }
    api.close();
    controlPlane.close();
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void deleteKeys() throws InterruptedException {
    boolean allAreKnown = ordersWithoutId == 0;
    for (String id : List.copyOf(undeleted)) {
      // A key that does not exist was issued under another id.
      allAreKnown &= !isUnknown(id);
    }
    if (!allAreKnown) {
      List<String> listed =
          poller.await(
              "keys to be listed whose issue was not answered",
              LOST_KEY_TIMEOUT,
              this::listedAndNotDeleted,
              ids -> ids.size() >= ordersWithoutId);
      undeleted.addAll(listed);
      for (String id : listed) {
        var _ = isUnknown(id);
      }
    }
    if (!undeleted.isEmpty()) {
      throw new InconclusiveException("A key was not deleted.");
    }
  }

  /** Deletes a key; tells whether there is none of this id. */
  private boolean isUnknown(String id) throws InterruptedException {
    boolean isUnknown = delete(id).isRefusedWith(404);
    if (isUnknown) {
      undeleted.remove(id);
    }
    return isUnknown;
  }

  private List<String> listedAndNotDeleted() throws InterruptedException {
    return list(LARGEST_PAGE).stream()
        .filter(key -> key.description().startsWith(descriptions))
        .map(KeyInfo::id)
        .filter(id -> !deleted.contains(id))
        .toList();
  }
}
