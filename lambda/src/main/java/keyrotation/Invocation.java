package keyrotation;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;
import keyrotation.core.Condition;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.RotationStep;
import keyrotation.core.SecretTag;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.event.RotationEvent;
import keyrotation.event.RotationEvent.Action;
import keyrotation.momento.Expiry;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoClient;
import keyrotation.rotation.AccountKeys;
import keyrotation.rotation.BatchRotation;
import keyrotation.rotation.DryRun;
import keyrotation.rotation.FirstKey;
import keyrotation.rotation.IssueRenewal;
import keyrotation.rotation.KeyRenewal;
import keyrotation.rotation.KeyVerification;
import keyrotation.rotation.KeyVersion;
import keyrotation.rotation.LabelCleanup;
import keyrotation.rotation.LogStep;
import keyrotation.rotation.ManagementKey;
import keyrotation.rotation.RefreshTokenRenewal;
import keyrotation.rotation.RenewalByKind;
import keyrotation.rotation.RenewalPolicy;
import keyrotation.rotation.Retirement;
import keyrotation.rotation.Revocation;
import keyrotation.rotation.RevocationPolicy;
import keyrotation.rotation.Rollback;
import keyrotation.rotation.Rotation;
import keyrotation.rotation.RotationLog;
import keyrotation.rotation.RotationResult;
import keyrotation.rotation.RotationSteps;
import keyrotation.rotation.RunSummary;
import keyrotation.rotation.SecretRevocation;
import keyrotation.rotation.SecretVersions;
import keyrotation.rotation.StatusReader;
import keyrotation.secretsmanager.SecretStore;
import keyrotation.secretsmanager.SecretsManagerErrors;

/** Carries out one event. */
final class Invocation {

  private static final Action ROTATE = new Action.Rotate(new Condition.Always());
  private static final Action ROTATE_IF_DUE = new Action.Rotate(new Condition.IfDue());

  /** What the identities of operators' requests begin with. */
  private static final String OPERATOR = "lambda-request/";

  private final Settings settings;
  private final SecretStore store;
  private final MomentoClient momento;
  private final AccountKeys accountKeys;
  private final Time time;
  private final TimeBudget budget;
  private final RotationLog log;
  private final Map<String, KeyVersion> known = new ConcurrentHashMap<>();

  Invocation(
      Settings settings,
      SecretStore store,
      MomentoClient momento,
      KeyManagement management,
      Time time,
      TimeBudget budget,
      RotationLog log) {
    this.settings = settings;
    this.store = store;
    this.momento = momento;
    Optional<String> managementSecret = settings.v2().managementKeySecret();
    RotationLog managementLog = log.forSecret(managementSecret.orElse(""));
    this.accountKeys =
        new AccountKeys(
            management, new ManagementKey(managementSecret, store, managementLog), time);
    this.time = time;
    this.budget = budget;
    this.log = log;
  }

  /** Carries out an event, and reports the result of each secret. Failures are in the report. */
  RotationReport run(RotationEvent event) {
    List<RotationResult> results =
        switch (event) {
          case RotationEvent.Manual(String secretId, Action action) ->
              List.of(
                  result(
                      secretId, rotator -> requireKey(act(rotator, action, secretId, request()))));
          case RotationEvent.All(Action action) -> actOnAll(action);
          case RotationEvent.ToV2(String secretId, String roleId, boolean accountUnchecked) -> {
            var toV2 = Optional.of(new IssueRenewal.ToV2(roleId, accountUnchecked));
            yield List.of(
                result(
                    secretId,
                    toV2,
                    rotator -> requireKey(act(rotator, ROTATE, secretId, request()))));
          }
          case RotationEvent.Step(RotationStep step, String secretId, String versionId) ->
              List.of(result(secretId, rotator -> act(rotator, step, secretId, versionId)));
          case RotationEvent.Scheduled(String identity) -> rotateAll(identity);
        };
    return new RotationReport(log.requestId(), managementKeyExpiry(results), results);
  }

  /** Returns when the management key expires: the new one, if this invocation has rotated it. */
  private Optional<Expiry> managementKeyExpiry(List<RotationResult> results) {
    return results.stream()
        .filter(result -> isManagementSecret(result.secret()))
        .flatMap(result -> result.currentExpiry().stream())
        .findFirst()
        .or(accountKeys::expiryOfManagementKey);
  }

  private RotationResult act(
      Rotator rotator, Action action, String secretId, RotationRequest request) {
    return switch (action) {
      case Action.Rotate(Condition condition) ->
          rotator.rotation().rotate(secretId, request, condition);
      case Action.DryRun _ -> rotator.dryRun().run(secretId, request);
      case Action.Status _ -> rotator.status().run(secretId, request);
      case Action.RollBack _ -> rotator.rollback().run(secretId, request);
      case Action.RevokePrevious _ -> revokePrevious(secretId, request);
    };
  }

  /** Carries out an action on all secrets. Paused and empty ones are reported, and no failure. */
  private List<RotationResult> actOnAll(Action action) {
    List<RotationResult> others = new ArrayList<>();
    List<String> all = findSecrets(others);
    return Stream.of(
            actOnEach(action, ordinary(all), OPERATOR + log.requestId()),
            actOnEach(action, management(all), OPERATOR + log.requestId()),
            others)
        .flatMap(List::stream)
        .toList();
  }

  private List<String> ordinary(List<String> all) {
    return all.stream().filter(id -> !isManagementSecret(id)).toList();
  }

  /** Returns the secret of the management key, if it is rotated. */
  private List<String> management(List<String> all) {
    return all.stream().filter(this::isManagementSecret).toList();
  }

  private boolean isManagementSecret(String secretId) {
    return settings.v2().isManagementSecret(secretId, store.account());
  }

  private RotationResult revokePrevious(String secretId, RotationRequest request) {
    List<RotationResult> notFound = new ArrayList<>();
    List<String> all = findSecrets(notFound);
    RotationResult.Revoked nothing = new RotationResult.Revoked(secretId, List.of(), 0);
    return notListed(notFound)
        // Any of the secrets that were not found may hold the key.
        .<RotationResult>map(why -> new RotationResult.Failed(secretId, why, Optional.of(nothing)))
        .orElseGet(() -> revocation().revokePrevious(secretId, all, request));
  }

  /** Returns why the secrets with the tag could not be listed, if they could not. */
  private static Optional<RotationException> notListed(List<RotationResult> notFound) {
    return notFound.stream()
        .flatMap(
            result ->
                result instanceof RotationResult.Failed failed
                    ? Stream.of(failed.failure())
                    : Stream.of())
        .filter(why -> why.reason() != FailureReason.SECRET_NOT_FOUND)
        .findFirst();
  }

  private RotationResult act(
      Rotator rotator, RotationStep step, String secretId, String versionId) {
    RotationResult result = rotator.steps().run(step, secretId, versionId, request(versionId));
    // Secrets Manager sends this step when rotation is enabled; there may be no key yet.
    return step == RotationStep.TEST_SECRET ? result : requireKey(result);
  }

  /**
   * Turns a result into a failure if the secret is paused or has no value: what the event asks for
   * was not done. A scheduled run does not: the stack creates secrets before an operator stores a
   * first key.
   */
  private static RotationResult requireKey(RotationResult result) {
    return switch (result) {
      case RotationResult.AwaitingFirstKey(String secret) ->
          new RotationResult.Failed(
              secret,
              new RotationException(
                  FailureReason.AWAITING_FIRST_KEY, "The secret has no value yet."));
      case RotationResult.Paused(String secret) ->
          new RotationResult.Failed(
              secret,
              new RotationException(
                  FailureReason.SECRET_PAUSED, "The secret has the tag momento:paused=true."));
      default -> result;
    };
  }

  private List<RotationResult> rotateAll(String identity) {
    Instant start = time.instant();
    List<RotationResult> others = new ArrayList<>();
    List<String> all = findSecrets(others);
    List<RotationResult> results = actOnEach(ROTATE_IF_DUE, ordinary(all), identity);
    // Last, so that the management key that has served all the others is the old one.
    List<RotationResult> last = actOnEach(ROTATE_IF_DUE, management(all), identity);
    List<RotationResult> revocations = List.of();
    if (accountKeys.canBeManaged() && budget.allowsRevocation()) {
      accountKeys.readManagementKey();
      // A secret that was not found may hold a key that would be revoked.
      if (notListed(others).isEmpty()) {
        // Others wait, so that one secret does not use up the time of all.
        revocations = revocation().run(all, new RotationRequest(identity, budget, () -> true));
      }
    }
    List<RotationResult> run =
        Stream.of(results, last, others, revocations).flatMap(List::stream).toList();
    RunSummary summary =
        new RunSummary(all.size(), run, managementKeyExpiry(run), !management(all).isEmpty());
    log.run(start, summary.json(settings.policy(), time.instant()));
    return run;
  }

  private List<RotationResult> actOnEach(Action action, List<String> secretIds, String identity) {
    return new BatchRotation(budget, log)
        .run(
            secretIds,
            secretIds.isEmpty() ? 0 : request(identity).startIn(secretIds.size()),
            (id, othersWait) -> {
              RotationRequest request = new RotationRequest(identity, budget, othersWait);
              return result(id, rotator -> act(rotator, action, id, request));
            });
  }

  /**
   * Returns the names or ARNs of the secrets that are configured, or have the configured tag.
   *
   * @param others takes the results of what cannot be rotated
   */
  private List<String> findSecrets(List<RotationResult> others) {
    List<String> secretIds = new ArrayList<>(settings.secretIds());
    settings.tag().ifPresent(tag -> addTagged(tag, secretIds, others));
    return secretIds;
  }

  /**
   * Adds the secrets that have the tag. If they cannot be listed, the others are rotated all the
   * same. A replica has the tags of its primary, and is rotated in the primary's region.
   */
  private void addTagged(SecretTag tag, List<String> secretIds, List<RotationResult> others) {
    String name = "secrets with the tag " + tag;
    RotationLog listLog = log.forSecret(name);
    try {
      listLog.step(LogStep.LIST_SECRETS, () -> store.findByTag(tag)).stream()
          .filter(found -> !secretIds.contains(found.name()))
          .filter(found -> !secretIds.contains(found.arn()))
          .forEach(
              found ->
                  found
                      .primaryRegion()
                      .ifPresentOrElse(
                          region -> others.add(skipped(found.name(), region)),
                          () -> secretIds.add(found.name())));
    } catch (RotationException e) {
      others.add(listLog.result(() -> new RotationResult.Failed(name, e)));
    }
  }

  private RotationResult skipped(String replica, String primaryRegion) {
    return log.forSecret(replica)
        .result(
            () -> new RotationResult.Skipped(replica, SecretsManagerErrors.replica(primaryRegion)));
  }

  private RotationResult result(String secretId, Function<Rotator, RotationResult> task) {
    return result(secretId, Optional.empty(), task);
  }

  private RotationResult result(
      String secretId, Optional<IssueRenewal.ToV2> toV2, Function<Rotator, RotationResult> task) {
    RotationLog secretLog = log.forSecret(secretId);
    return secretLog.result(() -> task.apply(rotator(secretId, secretLog, toV2)));
  }

  /** Returns an operator's request. */
  private RotationRequest request() {
    return request(OPERATOR + log.requestId());
  }

  private RotationRequest request(String identity) {
    return new RotationRequest(identity, budget);
  }

  /** The parts that work on one secret. */
  private record Rotator(
      Rotation rotation,
      RotationSteps steps,
      Rollback rollback,
      DryRun dryRun,
      StatusReader status) {}

  private Rotator rotator(
      String secretId, RotationLog secretLog, Optional<IssueRenewal.ToV2> toV2) {
    Settings.V2 v2 = settings.v2();
    SecretVersions versions = new SecretVersions(store, time, secretLog, known);
    Retirement retirement = new Retirement(versions, accountKeys, v2.revocation(), time);
    LabelCleanup cleanup = new LabelCleanup(versions, retirement);
    KeyVerification verification = verification(secretId, secretLog);
    KeyRenewal issue =
        new IssueRenewal(accountKeys, verification, v2.allowedRoles(), toV2, time, secretLog);
    KeyRenewal renewal =
        toV2.isPresent()
            ? issue
            : new RenewalByKind(
                new RefreshTokenRenewal(versions, verification, momento, time, secretLog), issue);
    RenewalPolicy policy = settings.policy();
    FirstKey firstKey =
        new FirstKey(
            versions,
            verification,
            accountKeys,
            v2.allowedRoles(),
            v2.endpoints(),
            policy,
            time,
            secretLog);
    Rotation rotation =
        new Rotation(versions, cleanup, verification, renewal, firstKey, policy, time, secretLog);
    return new Rotator(
        rotation,
        new RotationSteps(rotation, versions, cleanup, verification, renewal, policy, secretLog),
        new Rollback(versions, cleanup, retirement, verification, time),
        new DryRun(versions, renewal, policy, time),
        new StatusReader(versions, renewal, policy));
  }

  private KeyVerification verification(String secretId, RotationLog secretLog) {
    KeyVerification.Requirement requirement =
        isManagementSecret(secretId) ? accountKeys.mustManageKeys() : (_, _) -> {};
    return new KeyVerification(momento, settings.v2().endpoints(), requirement, time, secretLog);
  }

  private Revocation revocation() {
    RevocationPolicy policy = settings.v2().revocation();
    return new Revocation(
        secretId -> {
          RotationLog secretLog = log.forSecret(secretId);
          SecretVersions versions = new SecretVersions(store, time, secretLog, known);
          Retirement retirement = new Retirement(versions, accountKeys, policy, time);
          return new Revocation.OfSecret(
              new SecretRevocation(
                  versions,
                  verification(secretId, secretLog),
                  retirement,
                  accountKeys,
                  policy,
                  time,
                  secretLog),
              secretLog);
        },
        time);
  }
}
