package keyrotation;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import keyrotation.core.FailureReason;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.core.RotationStep;
import keyrotation.core.SecretTag;
import keyrotation.core.Time;
import keyrotation.core.TimeBudget;
import keyrotation.event.RotationEvent;
import keyrotation.event.RotationEvent.Action;
import keyrotation.momento.KeyManagement;
import keyrotation.momento.MomentoClient;
import keyrotation.rotation.AccountKeys;
import keyrotation.rotation.BatchRotation;
import keyrotation.rotation.DryRun;
import keyrotation.rotation.IssueRenewal;
import keyrotation.rotation.KeyRenewal;
import keyrotation.rotation.KeyVerification;
import keyrotation.rotation.LabelCleanup;
import keyrotation.rotation.LogStep;
import keyrotation.rotation.ManagementKey;
import keyrotation.rotation.RefreshTokenRenewal;
import keyrotation.rotation.RenewalByKind;
import keyrotation.rotation.RenewalPolicy;
import keyrotation.rotation.Rollback;
import keyrotation.rotation.Rotation;
import keyrotation.rotation.RotationLog;
import keyrotation.rotation.RotationResult;
import keyrotation.rotation.RotationSteps;
import keyrotation.rotation.SecretVersions;
import keyrotation.secretsmanager.SecretStore;
import keyrotation.secretsmanager.SecretsManagerErrors;

/** Carries out one event. */
final class Invocation {

  private final Settings settings;
  private final SecretStore store;
  private final MomentoClient momento;
  private final AccountKeys accountKeys;
  private final Time time;
  private final TimeBudget budget;
  private final RotationLog log;

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
              List.of(result(secretId, rotator -> requireKey(act(rotator, action, secretId))));
          case RotationEvent.ToV2(String secretId, String roleId, boolean accountUnchecked) -> {
            var toV2 = Optional.of(new IssueRenewal.ToV2(roleId, accountUnchecked));
            yield List.of(
                result(
                    secretId, toV2, rotator -> requireKey(act(rotator, Action.ROTATE, secretId))));
          }
          case RotationEvent.Step(RotationStep step, String secretId, String versionId) ->
              List.of(result(secretId, rotator -> act(rotator, step, secretId, versionId)));
          case RotationEvent.Scheduled(String identity) -> rotateAll(identity);
        };
    return new RotationReport(log.requestId(), results);
  }

  private RotationResult act(Rotator rotator, Action action, String secretId) {
    RotationRequest request = request("lambda-request/" + log.requestId());
    return switch (action) {
      case ROTATE -> rotator.rotation().rotate(secretId, request);
      case ROTATE_IF_DUE -> rotator.rotation().rotateIfDue(secretId, request);
      case DRY_RUN -> rotator.dryRun().run(secretId, request);
      case ROLL_BACK -> rotator.rollback().run(secretId, request);
    };
  }

  private RotationResult act(
      Rotator rotator, RotationStep step, String secretId, String versionId) {
    RotationResult result = rotator.steps().run(step, secretId, versionId, request(versionId));
    // Secrets Manager sends this step when rotation is enabled; there may be no key yet.
    return step == RotationStep.TEST_SECRET ? result : requireKey(result);
  }

  /**
   * Turns the result for a secret without a value into a failure. A scheduled run does not: the
   * stack creates secrets before an operator stores a first key.
   */
  private static RotationResult requireKey(RotationResult result) {
    return result instanceof RotationResult.AwaitingFirstKey(String secret)
        ? new RotationResult.Failed(
            secret,
            new RotationException(FailureReason.AWAITING_FIRST_KEY, "The secret has no value yet."))
        : result;
  }

  private List<RotationResult> rotateAll(String identity) {
    List<String> secretIds = new ArrayList<>(settings.secretIds());
    List<RotationResult> others = new ArrayList<>();
    settings.tag().ifPresent(tag -> addTagged(tag, secretIds, others));
    List<RotationResult> results =
        new BatchRotation(budget)
            .run(
                secretIds,
                secretIds.isEmpty() ? 0 : request(identity).startIn(secretIds.size()),
                (id, othersWait) -> rotateIfDue(id, identity, othersWait));
    return Stream.concat(results.stream(), others.stream()).toList();
  }

  private RotationResult rotateIfDue(String secretId, String identity, BooleanSupplier othersWait) {
    RotationRequest request = new RotationRequest(identity, budget, othersWait);
    return result(secretId, rotator -> rotator.rotation().rotateIfDue(secretId, request));
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
    return secretLog.result(() -> task.apply(rotator(secretLog, toV2)));
  }

  private RotationRequest request(String identity) {
    return new RotationRequest(identity, budget);
  }

  /** The parts that work on one secret. */
  private record Rotator(
      Rotation rotation, RotationSteps steps, Rollback rollback, DryRun dryRun) {}

  private Rotator rotator(RotationLog secretLog, Optional<IssueRenewal.ToV2> toV2) {
    SecretVersions versions = new SecretVersions(store, time, secretLog);
    LabelCleanup cleanup = new LabelCleanup(versions);
    KeyVerification verification =
        new KeyVerification(momento, settings.v2().endpoints(), time, secretLog);
    KeyRenewal issue =
        new IssueRenewal(
            accountKeys, verification, settings.v2().allowedRoles(), toV2, time, secretLog);
    KeyRenewal renewal =
        toV2.isPresent()
            ? issue
            : new RenewalByKind(
                new RefreshTokenRenewal(versions, verification, momento, time, secretLog), issue);
    RenewalPolicy policy = settings.policy();
    Rotation rotation = new Rotation(versions, cleanup, verification, renewal, policy, time);
    return new Rotator(
        rotation,
        new RotationSteps(rotation, versions, cleanup, verification, renewal, policy, secretLog),
        new Rollback(versions, cleanup, verification),
        new DryRun(versions, renewal, policy, time));
  }
}
