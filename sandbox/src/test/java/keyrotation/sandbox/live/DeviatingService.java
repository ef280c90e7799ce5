package keyrotation.sandbox.live;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.Status;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.FaultInjector;
import keyrotation.sandbox.IssuedKey.Permissions;
import keyrotation.sandbox.MomentoApiException;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import keyrotation.sandbox.SecretsManagerException;
import keyrotation.sandbox.SecretsManagerState;
import keyrotation.sandbox.V2Keys.Role;
import momento.auth._RefreshApiTokenResponse;
import software.amazon.awssdk.services.cloudwatchlogs.model.MetricFilterMatchRecord;
import software.amazon.awssdk.services.cloudwatchlogs.model.TestMetricFilterResponse;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.ListSecretsResponse;
import software.amazon.awssdk.services.secretsmanager.model.PutSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.SecretListEntry;
import software.amazon.awssdk.services.secretsmanager.model.UpdateSecretVersionStageRequest;

/**
 * A service that deviates from one assumption.
 *
 * @param id the assumption that the check must refute
 * @param does the deviating behavior
 * @param change makes the sandbox behave that way
 */
record DeviatingService(String id, String does, Consumer<LiveCheckFixture> change) {

  private static final String PUT = "PutSecretValue";
  private static final String READ = "GetSecretValue";
  private static final String MOVE = "UpdateSecretVersionStage";
  private static final String ROTATE = "RotateSecret";

  static final List<DeviatingService> ALL =
      List.of(
          new DeviatingService("M1", "gives the same key", DeviatingService::givesTheSameKey),
          new DeviatingService(
              "M1", "gives no refresh token", answersRefresh(a -> a.clearRefreshToken())),
          new DeviatingService(
              "M1", "gives another endpoint", answersRefresh(a -> a.setEndpoint("other.example"))),
          new DeviatingService(
              "M1",
              "gives a key that ends earlier",
              answersRefresh(a -> a.setValidUntil(a.getValidUntil() - 60))),
          new DeviatingService(
              "M2",
              "gives a key that lives longer",
              answersRefresh(a -> a.setValidUntil(a.getValidUntil() + 3600))),
          new DeviatingService(
              "M3",
              "does not treat the new key as a data-only key",
              answersList(4, Status.PERMISSION_DENIED)),
          new DeviatingService(
              "M3", "refreshes once only", answersRefresh(2, Status.INVALID_ARGUMENT)),
          new DeviatingService(
              "M4",
              "takes permissions away",
              fixture -> fixture.sandbox.momento().limitNewKeysTo(Permissions.DATA_ONLY)),
          new DeviatingService("M5", "ends the old key", forgetsKeysAtRefresh(1)),
          new DeviatingService(
              "M6", "refuses by another code", answersRefresh(2, Status.ALREADY_EXISTS)),
          new DeviatingService("M7", "ends both keys", forgetsKeysAtRefresh(2)),
          new DeviatingService(
              "M8", "refuses by another code", answersRefresh(1, Status.OUT_OF_RANGE)),
          new DeviatingService(
              "M9",
              "refuses without the trailer",
              refusesRefreshWith(Status.Code.PERMISSION_DENIED)),
          new DeviatingService(
              "M10",
              "refuses without the trailer",
              refusesRefreshWith(Status.Code.PERMISSION_DENIED)),
          new DeviatingService("M11", "denies the list", answersList(2, Status.PERMISSION_DENIED)),
          new DeviatingService(
              "M12",
              "denies without the trailer",
              fixture -> fixture.sandbox.momento().leaveOutTrailers()),
          new DeviatingService("M13", "answers otherwise", answersList(3, Status.NOT_FOUND)),
          new DeviatingService(
              "M14", "denies the list to all", answersList(2, Status.PERMISSION_DENIED)),
          new DeviatingService(
              "M15",
              "accepts a new key only after minutes",
              fixture -> fixture.sandbox.momento().refuseNewKeysAtFirst(40)),
          new DeviatingService(
              "M15",
              "never accepts a new key",
              fixture -> fixture.sandbox.momento().refuseNewKeysAtFirst(400)),
          new DeviatingService(
              "M16", "rejects a key temporarily", answersList(7, Status.UNAUTHENTICATED)),
          new DeviatingService(
              "M17",
              "states another end",
              answersRefresh(a -> a.setValidUntil(a.getValidUntil() + 5))),
          new DeviatingService(
              "V1", "issues a token of another type", issuesToken(c -> c.put("t", "x"))),
          new DeviatingService(
              "V1", "issues a token of another id", issuesToken(c -> c.put("jti", "other-id"))),
          new DeviatingService(
              "V1", "answers with another id", answersIssue(i -> i.put("key_id", "other-id"))),
          new DeviatingService("V1", "lists another id", listsNew(DeviatingService::changeId)),
          new DeviatingService("V1", "does not list the console's keys", listsNoOldKeys()),
          new DeviatingService(
              "V2",
              "shortens descriptions",
              fixture -> fixture.sandbox.momentoApi().cutDescriptionsTo(149)),
          new DeviatingService(
              "V2", "lists no description", listsNew(key -> key.remove("description"))),
          new DeviatingService(
              "V2", "lists another role", listsNew(key -> key.put("role_id", "viewer"))),
          new DeviatingService(
              "V2", "answers with another role", answersIssue(i -> i.put("role_id", "viewer"))),
          new DeviatingService(
              "V3", "issues a token that ends later", issuesToken(c -> c.put("exp", 4e9))),
          new DeviatingService(
              "V3",
              "answers with another expiry",
              answersIssue(i -> i.remove("expires_at_epoch_seconds"))),
          new DeviatingService(
              "V3",
              "lists another expiry",
              listsNew(key -> key.put("expires_at_epoch_seconds", 4_000_000_000L))),
          new DeviatingService(
              "V3",
              "lists milliseconds",
              listsNew(
                  key ->
                      key.put(
                          "issued_at_epoch_seconds",
                          key.path("issued_at_epoch_seconds").asLong() * 1_000))),
          new DeviatingService(
              "V4", "issues a token with a claim exp", issuesToken(c -> c.put("exp", 0))),
          new DeviatingService(
              "V4",
              "answers with an expiry",
              answersIssue(i -> i.put("expires_at_epoch_seconds", 4_000_000_000L))),
          new DeviatingService("V4", "lists an expiry for keys that never expire", listsExpiries()),
          new DeviatingService("V5", "sends a refresh token", DeviatingService::sendsRefreshToken),
          new DeviatingService("V6", "denies the list", answersList(2, Status.PERMISSION_DENIED)),
          new DeviatingService(
              "V7",
              "accepts a new key only after minutes",
              fixture -> fixture.sandbox.momento().v2Keys().refuseNewKeysAtFirst(40)),
          new DeviatingService(
              "V7",
              "never accepts a new key",
              fixture -> fixture.sandbox.momento().v2Keys().refuseNewKeysAtFirst(400)),
          new DeviatingService(
              "V8", "rejects a key temporarily", answersList(7, Status.UNAUTHENTICATED)),
          new DeviatingService(
              "V9", "lists a new key after seconds", listsLate(Duration.ofSeconds(5))),
          new DeviatingService("V9", "never lists a new key", listsLate(Duration.ofHours(1))),
          new DeviatingService("V10", "answers otherwise", answersList(3, Status.NOT_FOUND)),
          new DeviatingService("V10", "deletes nothing", DeviatingService::deletesNothing),
          new DeviatingService("V10", "lists it for ever", listsDeletedKeys()),
          new DeviatingService(
              "V10",
              "knows no such key",
              refusesApi(MomentoApiServer.REVOKE, 1, MomentoApiException.notFound("No key."))),
          new DeviatingService("V11", "answers otherwise", answersList(3, Status.NOT_FOUND)),
          new DeviatingService("V12", "lists it otherwise", listsOtherwise(3)),
          new DeviatingService(
              "V13",
              "denies without the trailer",
              fixture -> fixture.sandbox.momento().leaveOutTrailers()),
          new DeviatingService("V13", "answers otherwise", answersList(2, Status.UNAUTHENTICATED)),
          new DeviatingService(
              "V14", "does not reject it", answersList(3, Status.PERMISSION_DENIED)),
          new DeviatingService(
              "V14",
              "does not reject the claims of a key without permissions",
              answersList(4, Status.PERMISSION_DENIED)),
          new DeviatingService(
              "V15",
              "refuses by another status",
              refusesApi(MomentoApiServer.ISSUE, 1, MomentoApiException.badRequest("No role."))),
          new DeviatingService(
              "V15",
              "refuses without JSON",
              refusesApi(MomentoApiServer.ISSUE, 1, MomentoApiException.ofGateway(404))),
          new DeviatingService("V15", "issues a key", DeviatingService::knowsEachRole),
          new DeviatingService(
              "V16",
              "refuses by another status",
              refusesApi(MomentoApiServer.LIST, 2, MomentoApiException.forbidden())),
          new DeviatingService(
              "V16",
              "refuses without JSON",
              refusesApi(MomentoApiServer.LIST, 2, MomentoApiException.ofGateway(401))),
          new DeviatingService(
              "V17",
              "refuses by another status",
              refusesApi(MomentoApiServer.LIST, 2, MomentoApiException.notFound("Nothing."))),
          new DeviatingService(
              "V17",
              "refuses without JSON",
              refusesApi(MomentoApiServer.LIST, 2, MomentoApiException.ofGateway(403))),
          new DeviatingService("V17", "lets each key manage keys", DeviatingService::letsAllManage),
          new DeviatingService(
              "V18",
              "refuses by another status",
              refusesApi(MomentoApiServer.REVOKE, 2, MomentoApiException.badRequest("No key."))),
          new DeviatingService(
              "V18",
              "knows no such key at once",
              refusesApi(MomentoApiServer.REVOKE, 1, MomentoApiException.notFound("No key."))),
          new DeviatingService(
              "V18",
              "refuses without JSON",
              refusesApi(MomentoApiServer.REVOKE, 2, MomentoApiException.ofGateway(404))),
          new DeviatingService("V19", "never ends", listsForEverInPages()),
          new DeviatingService("V19", "leaves out a key", cutsPages()),
          new DeviatingService("V19", "repeats a key", repeatsKeys()),
          new DeviatingService(
              "S1", "moves AWSCURRENT", after(PUT, 4, DeviatingService::moveCurrentBack)),
          new DeviatingService("S1", "treats it as a new version", createdAt(2, Instant.EPOCH)),
          new DeviatingService(
              "S2",
              "has another error",
              refuses(PUT, 2, SecretsManagerException.invalidRequest("It is taken."))),
          new DeviatingService(
              "S2",
              "accepts the other value",
              answersRead(read -> read.secretString("another value"))),
          new DeviatingService(
              "S3", "moves AWSCURRENT", after(PUT, 2, DeviatingService::moveCurrentToNewest)),
          new DeviatingService(
              "S4", "returns one label", answersRead(read -> read.versionStages("AWSPENDING"))),
          new DeviatingService(
              "S4", "stores one label", after(PUT, 2, state -> takeOff(state, "AWSPENDING"))),
          new DeviatingService("S5", "does not label it AWSCURRENT", hides("AWSCURRENT")),
          new DeviatingService(
              "S6",
              "refuses the label",
              refuses(PUT, 3, SecretsManagerException.invalidParameter("It is attached."))),
          new DeviatingService(
              "S7", "takes AWSPENDING off", after(MOVE, 1, state -> takeOff(state, "AWSPENDING"))),
          new DeviatingService(
              "S7", "takes our label off", after(MOVE, 1, DeviatingService::takeOwnLabelOff)),
          new DeviatingService(
              "S7", "has no AWSPREVIOUS", after(MOVE, 1, state -> takeOff(state, "AWSPREVIOUS"))),
          new DeviatingService(
              "S8", "has no AWSPREVIOUS", after(MOVE, 1, state -> takeOff(state, "AWSPREVIOUS"))),
          new DeviatingService(
              "S9", "ignores the version to move from", DeviatingService::movesWithoutComparing),
          new DeviatingService(
              "S9",
              "has another error",
              refuses(MOVE, 1, SecretsManagerException.invalidRequest("No."))),
          new DeviatingService(
              "S10",
              "refuses to take it off",
              refuses(MOVE, 1, SecretsManagerException.invalidParameter("No."))),
          new DeviatingService(
              "S10",
              "has another error",
              refuses(MOVE, 3, SecretsManagerException.notFound("There is none."))),
          new DeviatingService(
              "S11",
              "deletes it",
              refuses(READ, 1, SecretsManagerException.notFound("It is gone."))),
          new DeviatingService(
              "S12",
              "has another error",
              refuses(READ, 1, SecretsManagerException.invalidRequest("It is empty."))),
          new DeviatingService("S13", "accepts more labels", DeviatingService::takesMoreLabels),
          new DeviatingService(
              "S13",
              "has another error",
              refuses(PUT, 3, SecretsManagerException.invalidParameter("Too many."))),
          new DeviatingService(
              "S14", "draws another id", answersRead(read -> read.versionId("another"))),
          new DeviatingService(
              "S14",
              "refuses it",
              refuses(PUT, 1, SecretsManagerException.invalidParameter("It has to be random."))),
          new DeviatingService(
              "S15",
              "accepts less",
              refuses(PUT, 1, SecretsManagerException.validation("It is too long."))),
          new DeviatingService("S15", "accepts more", DeviatingService::takesLongValues),
          new DeviatingService("S16", "describes an old state", lags("DescribeSecret")),
          new DeviatingService("S16", "reads an old state", lags(READ)),
          new DeviatingService(
              "S17", "has one date for all", answersRead(read -> read.createdDate(Instant.EPOCH))),
          new DeviatingService(
              "S17", "changes the date when a label moves", createdAt(3, Instant.EPOCH)),
          new DeviatingService(
              "S18",
              "keeps the date",
              answersDescribe(secret -> secret.lastChangedDate(Instant.EPOCH))),
          new DeviatingService(
              "S19",
              "has another error",
              refuses(READ, 1, SecretsManagerException.notFound("It is gone."))),
          new DeviatingService(
              "S19",
              "has another message",
              refuses(PUT, 2, SecretsManagerException.invalidRequest("No."))),
          new DeviatingService(
              "S19", "has no date", answersDescribe(secret -> secret.deletedDate(null))),
          new DeviatingService("S20", "lists nothing", answersLists(list -> List.of())),
          new DeviatingService("S21", "lists deleted secrets", listsForEver()),
          new DeviatingService(
              "S22",
              "does not tell the region",
              answersDescribe(secret -> secret.primaryRegion(null))),
          new DeviatingService(
              "S23",
              "has another error",
              refuses(PUT, 2, SecretsManagerException.invalidRequest("It can be read."))),
          new DeviatingService(
              "S23",
              "has another message",
              refuses(MOVE, 1, SecretsManagerException.invalidParameter("No."))),
          new DeviatingService(
              "S24", "does not tell the region", answersLists(DeviatingService::withoutRegions)),
          new DeviatingService(
              "S25",
              "rejects an alias",
              refuses(ROTATE, 1, SecretsManagerException.invalidParameter("No function."))),
          new DeviatingService(
              "S26",
              "has another error",
              refuses(READ, 1, SecretsManagerException.invalidRequest("It is empty."))),
          new DeviatingService("S26", "does not label it", hides("AWSPENDING")),
          new DeviatingService("S27", "has another date", createdAt(1, Instant.EPOCH)),
          new DeviatingService(
              "S28", "takes our label off", after(ROTATE, 1, DeviatingService::takeOwnLabelOff)),
          new DeviatingService(
              "S29",
              "has another error",
              refuses(ROTATE, 1, SecretsManagerException.invalidParameter("No."))),
          new DeviatingService(
              "S30",
              "refuses the first key",
              refuses(PUT, 1, SecretsManagerException.invalidRequest("It rotates."))),
          new DeviatingService(
              "S31", "has no date", answersDescribe(secret -> secret.nextRotationDate(null))),
          new DeviatingService(
              "S31",
              "does not show that rotation is enabled",
              answersDescribe(secret -> secret.rotationEnabled(false))),
          new DeviatingService(
              "L17", "selects a line less", selectsLines(lines -> lines.stream().skip(1).toList())),
          new DeviatingService(
              "L17",
              "selects the next lines",
              selectsLines(
                  lines ->
                      lines.stream()
                          .map(line -> line.toBuilder().eventNumber(line.eventNumber() + 1).build())
                          .toList())));

  boolean isMomento() {
    return id.startsWith("M") || id.startsWith("V");
  }

  @Override
  public String toString() {
    return id + ": it " + does;
  }

  private static Consumer<LiveCheckFixture> answersRefresh(
      UnaryOperator<_RefreshApiTokenResponse.Builder> change) {
    return fixture ->
        fixture
            .sandbox
            .momento()
            .alterRefreshAnswers(answer -> change.apply(answer.toBuilder()).build());
  }

  private static void givesTheSameKey(LiveCheckFixture fixture) {
    MomentoServer momento = fixture.sandbox.momento();
    // The last key is the new one; the key before it is the old one.
    momento.alterRefreshAnswers(
        a -> a.toBuilder().setApiKey(momento.issued().reversed().get(1).token()).build());
  }

  private static Consumer<LiveCheckFixture> answersRefresh(int call, Status status) {
    return fixture ->
        fixture
            .sandbox
            .momento()
            .calls()
            .onNth(MomentoServer.REFRESH, call, new Fault.Refuse<>(status.asRuntimeException()));
  }

  private static Consumer<LiveCheckFixture> refusesRefreshWith(Status.Code code) {
    return fixture -> fixture.sandbox.momento().refuseRefreshWith(code);
  }

  /** The check's first ListCaches call precedes the trials. */
  private static Consumer<LiveCheckFixture> answersList(int call, Status status) {
    return fixture ->
        fixture
            .sandbox
            .momento()
            .calls()
            .onNth(
                MomentoServer.LIST_CACHES, call, new Fault.Refuse<>(status.asRuntimeException()));
  }

  /** A refresh invalidates all keys that the check has generated. */
  private static Consumer<LiveCheckFixture> forgetsKeysAtRefresh(int call) {
    return fixture ->
        fixture
            .sandbox
            .momento()
            .calls()
            .onNth(MomentoServer.REFRESH, call, new Fault.After<>(fixture.sandbox.save()));
  }

  /** Changes the answers of Momento's HTTP API that have this field. */
  private static Consumer<LiveCheckFixture> answersApi(String field, Consumer<ObjectNode> change) {
    return fixture ->
        fixture
            .sandbox
            .momentoApi()
            .alterAnswers(
                answer -> {
                  ObjectNode body = object(answer);
                  if (body.has(field)) {
                    change.accept(body);
                  }
                  return body.toString();
                });
  }

  private static ObjectNode object(String text) {
    try {
      return (ObjectNode) new ObjectMapper().readTree(text);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Changes what the answer to an order states about the new key. */
  private static Consumer<LiveCheckFixture> answersIssue(Consumer<ObjectNode> change) {
    return answersApi("api_key", body -> change.accept((ObjectNode) body.path("key_info")));
  }

  /** Changes the claims of a new key's token. */
  private static Consumer<LiveCheckFixture> issuesToken(Consumer<ObjectNode> change) {
    return answersApi(
        "api_key",
        body -> {
          String[] parts = body.path("api_key").asText().split("\\.", -1);
          ObjectNode claims = object(new String(Base64.getUrlDecoder().decode(parts[1]), UTF_8));
          change.accept(claims);
          parts[1] = Base64.getUrlEncoder().encodeToString(claims.toString().getBytes(UTF_8));
          body.put("api_key", String.join(".", parts));
        });
  }

  private static void sendsRefreshToken(LiveCheckFixture fixture) {
    answersApi("api_key", body -> body.put("refresh_token", "none")).accept(fixture);
  }

  /** Changes the list of keys. */
  private static Consumer<LiveCheckFixture> lists(Consumer<ObjectNode> change) {
    // The answer to an order has an object of the same name.
    return answersApi(
        "key_info",
        body -> {
          if (body.path("key_info").isArray()) {
            change.accept(body);
          }
        });
  }

  /** Changes the entries of a list that were issued for a trial. */
  private static Consumer<LiveCheckFixture> listsNew(Consumer<ObjectNode> change) {
    return lists(
        body ->
            body.path("key_info")
                .forEach(
                    key -> {
                      if (isNew(key)) {
                        change.accept((ObjectNode) key);
                      }
                    }));
  }

  private static boolean isNew(JsonNode key) {
    return key.path("description").asText().startsWith(V2Account.PREFIX);
  }

  private static void changeId(ObjectNode key) {
    key.put("key_id", key.path("key_id").asText() + "x");
  }

  private static Consumer<LiveCheckFixture> listsNoOldKeys() {
    return lists(body -> ((ArrayNode) body.path("key_info")).removeIf(key -> !isNew(key)));
  }

  private static Consumer<LiveCheckFixture> listsDeletedKeys() {
    List<JsonNode> old = new ArrayList<>();
    return answersApi(
        "key_info",
        body -> {
          if (body.path("key_info").isArray()) {
            ((ArrayNode) body.path("key_info")).addAll(old);
          } else {
            old.add(body.path("key_info"));
          }
        });
  }

  private static Consumer<LiveCheckFixture> listsExpiries() {
    return lists(
        body ->
            body.path("key_info")
                .forEach(key -> ((ObjectNode) key).put("expires_at_epoch_seconds", 1)));
  }

  /** The list shows new keys with another description from its n-th page on. */
  private static Consumer<LiveCheckFixture> listsOtherwise(int n) {
    AtomicInteger pages = new AtomicInteger();
    return lists(
        body -> {
          if (pages.incrementAndGet() >= n) {
            body.path("key_info").forEach(key -> ((ObjectNode) key).put("description", ""));
          }
        });
  }

  /** The last page states a token, too; the page after it is empty. */
  private static Consumer<LiveCheckFixture> listsForEverInPages() {
    List<String> last = new ArrayList<>();
    return lists(
        body -> {
          body.path("key_info").forEach(key -> last.add(key.path("key_id").asText()));
          body.put("next_token", last.getLast());
        });
  }

  private static Consumer<LiveCheckFixture> cutsPages() {
    return pagesBeforeTheLast(keys -> keys.remove(keys.size() - 1));
  }

  private static Consumer<LiveCheckFixture> repeatsKeys() {
    return pagesBeforeTheLast(keys -> keys.add(keys.path(0)));
  }

  private static Consumer<LiveCheckFixture> pagesBeforeTheLast(Consumer<ArrayNode> change) {
    return lists(
        body -> {
          if (body.has("next_token")) {
            change.accept((ArrayNode) body.path("key_info"));
          }
        });
  }

  private static Consumer<LiveCheckFixture> listsLate(Duration lag) {
    return fixture ->
        fixture.sandbox.momentoApi().calls().onEvery(MomentoApiServer.LIST, new Fault.Lag<>(lag));
  }

  private static Consumer<LiveCheckFixture> refusesApi(
      String action, int call, MomentoApiException error) {
    return fixture ->
        fixture.sandbox.momentoApi().calls().onNth(action, call, new Fault.Refuse<>(error));
  }

  /** The first deletion is reported as done, but the key is there again. */
  private static void deletesNothing(LiveCheckFixture fixture) {
    FaultInjector<MomentoApiException> calls = fixture.sandbox.momentoApi().calls();
    List<Runnable> restore = new ArrayList<>();
    calls.onNth(
        MomentoApiServer.ISSUE, 1, new Fault.After<>(() -> restore.add(fixture.sandbox.save())));
    calls.onNth(
        MomentoApiServer.REVOKE, 1, new Fault.After<>(() -> restore.forEach(Runnable::run)));
  }

  private static void knowsEachRole(LiveCheckFixture fixture) {
    fixture
        .sandbox
        .momento()
        .v2Keys()
        .add(new Role("r-live-check-unknown", "None", Role.Type.CUSTOM, false, false));
  }

  private static void letsAllManage(LiveCheckFixture fixture) {
    fixture
        .sandbox
        .momento()
        .v2Keys()
        .add(new Role(V2Account.ROLE, "Viewer", Role.Type.SYSTEM, true, true));
  }

  private static Consumer<LiveCheckFixture> refuses(
      String action, int call, SecretsManagerException error) {
    return fixture ->
        fixture.sandbox.secretsManager().calls().fromNth(action, call, new Fault.Refuse<>(error));
  }

  private static Consumer<LiveCheckFixture> lags(String action) {
    return fixture ->
        fixture
            .sandbox
            .secretsManager()
            .calls()
            .onEvery(action, new Fault.Lag<>(Duration.ofHours(1)));
  }

  private static Consumer<LiveCheckFixture> after(
      String action, int call, Consumer<SecretsManagerState> change) {
    return fixture ->
        fixture
            .sandbox
            .secretsManager()
            .calls()
            .onNth(
                action,
                call,
                new Fault.After<>(() -> change.accept(fixture.sandbox.secretsManager().state())));
  }

  private static void moveCurrentBack(SecretsManagerState state) {
    SecretsManagerState.Secret secret = state.list().getLast();
    moveCurrent(state, secret, secret.labelled(SecretsManagerState.PREVIOUS).orElseThrow());
  }

  private static void moveCurrentToNewest(SecretsManagerState state) {
    SecretsManagerState.Secret secret = state.list().getLast();
    moveCurrent(state, secret, secret.versions().getLast());
  }

  private static void moveCurrent(
      SecretsManagerState state,
      SecretsManagerState.Secret secret,
      SecretsManagerState.Version to) {
    String from = secret.labelled(SecretsManagerState.CURRENT).orElseThrow().id();
    var _ = state.moveLabel(secret.name(), SecretsManagerState.CURRENT, from, to.id());
  }

  private static void takeOff(SecretsManagerState state, String label) {
    SecretsManagerState.Secret secret = state.list().getLast();
    String from = secret.labelled(label).orElseThrow().id();
    var _ = state.moveLabel(secret.name(), label, from, null);
  }

  private static void takeOwnLabelOff(SecretsManagerState state) {
    state.list().getLast().versions().stream()
        .flatMap(version -> version.labels().stream())
        .filter(label -> label.startsWith("MOMENTO_"))
        .toList()
        .forEach(label -> takeOff(state, label));
  }

  private static void movesWithoutComparing(LiveCheckFixture fixture) {
    SecretsManagerState state = fixture.sandbox.secretsManager().state();
    fixture.alterRequests(
        UpdateSecretVersionStageRequest.class,
        move -> {
          SecretsManagerState.Secret secret = state.list().getLast();
          String from = secret.labelled(move.versionStage()).orElseThrow().id();
          return move.toBuilder().removeFromVersionId(from).build();
        });
  }

  private static void takesMoreLabels(LiveCheckFixture fixture) {
    fixture.alterRequests(
        PutSecretValueRequest.class,
        put ->
            put.versionStages().size() == 1
                ? put.toBuilder().versionStages("LABEL2").build()
                : put);
  }

  private static void takesLongValues(LiveCheckFixture fixture) {
    fixture.alterRequests(
        PutSecretValueRequest.class,
        put ->
            put.secretString().length() > 65_536
                ? put.toBuilder().secretString("shorter").build()
                : put);
  }

  private static Consumer<LiveCheckFixture> answersRead(
      UnaryOperator<GetSecretValueResponse.Builder> change) {
    return fixture ->
        fixture.alterAnswers(
            GetSecretValueResponse.class, read -> change.apply(read.toBuilder()).build());
  }

  /** The n-th read of the run returns another creation date. */
  private static Consumer<LiveCheckFixture> createdAt(int n, Instant date) {
    List<GetSecretValueResponse> reads = new ArrayList<>();
    return answersRead(
        read -> {
          reads.add(read.build());
          return reads.size() == n ? read.createdDate(date) : read;
        });
  }

  private static Consumer<LiveCheckFixture> answersDescribe(
      UnaryOperator<DescribeSecretResponse.Builder> change) {
    return fixture ->
        fixture.alterAnswers(
            DescribeSecretResponse.class, secret -> change.apply(secret.toBuilder()).build());
  }

  private static Consumer<LiveCheckFixture> selectsLines(
      UnaryOperator<List<MetricFilterMatchRecord>> change) {
    return fixture ->
        fixture.alterAnswers(
            TestMetricFilterResponse.class,
            answer -> answer.toBuilder().matches(change.apply(answer.matches())).build());
  }

  private static Consumer<LiveCheckFixture> hides(String label) {
    return fixture ->
        fixture.alterAnswers(
            DescribeSecretResponse.class,
            secret -> {
              Map<String, List<String>> labels = new HashMap<>(secret.versionIdsToStages());
              labels.replaceAll((_, all) -> all.stream().filter(l -> !l.equals(label)).toList());
              return secret.toBuilder().versionIdsToStages(labels).build();
            });
  }

  private static Consumer<LiveCheckFixture> answersLists(
      UnaryOperator<List<SecretListEntry>> change) {
    return fixture ->
        fixture.alterAnswers(
            ListSecretsResponse.class,
            list -> list.toBuilder().secretList(change.apply(list.secretList())).build());
  }

  private static Consumer<LiveCheckFixture> listsForEver() {
    List<SecretListEntry> shown = new ArrayList<>();
    return answersLists(
        list -> {
          shown.addAll(list);
          return List.copyOf(shown);
        });
  }

  private static List<SecretListEntry> withoutRegions(List<SecretListEntry> list) {
    return list.stream().map(entry -> entry.toBuilder().primaryRegion(null).build()).toList();
  }
}
