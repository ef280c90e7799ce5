package keyrotation.rotation;

import static keyrotation.core.FailureReason.AWAITING_FIRST_KEY;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import keyrotation.core.RotationException;
import keyrotation.core.RotationRequest;
import keyrotation.momento.MomentoKey;
import keyrotation.rotation.SecretStatus.CurrentKey;
import keyrotation.secretsmanager.Secret;

/** Reads how a secret is. It calls Secrets Manager alone, and changes nothing. */
public final class StatusReader {

  private final SecretVersions versions;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;

  public StatusReader(SecretVersions versions, KeyRenewal renewal, RenewalPolicy policy) {
    this.versions = versions;
    this.renewal = renewal;
    this.policy = policy;
  }

  /** Reads the status. A failure, too, is a status, so that one secret hides no other. */
  public RotationResult run(String secretId, RotationRequest request) {
    Secret secret;
    try {
      secret = versions.describe(secretId);
    } catch (RotationException e) {
      return new RotationResult.Status(
          secretId,
          new SecretStatus(
              false,
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              new TreeMap<>(),
              List.of(),
              Optional.of(e)));
    }
    return new RotationResult.Status(secret.name(), of(secret, request));
  }

  private SecretStatus of(Secret secret, RotationRequest request) {
    Optional<RotationTask> task = Optional.empty();
    Optional<RotationException> problem;
    try {
      task = versions.current(secret).map(current -> new RotationTask(secret, current, request));
      problem = task.isPresent() ? problemOf(task.get()) : problemWithoutKey(secret);
    } catch (RotationException e) {
      problem = Optional.of(e);
    }
    return new SecretStatus(
        SecretFigures.isPaused(secret),
        task.map(this::currentKey),
        task.flatMap(RotationTask::labelledSuccessor),
        secret.nextRotation(),
        secret.revocations(),
        secret.replicas(),
        problem);
  }

  private Optional<RotationException> problemOf(RotationTask task) {
    task.secret().tags().requireValid();
    renewal.requireRenewable(task);
    return policy.judge(task.current().created(), task.current().expiry());
  }

  /** Returns no problem if the next scheduled run has a first key issued. */
  private static Optional<RotationException> problemWithoutKey(Secret secret) {
    secret.tags().requireValid();
    boolean isIssued = secret.tags().roleId().isPresent() && secret.tags().endpoint().isPresent();
    return isIssued
        ? Optional.empty()
        : Optional.of(new RotationException(AWAITING_FIRST_KEY, "The secret has no value yet."));
  }

  private CurrentKey currentKey(RotationTask task) {
    KeyVersion current = task.current();
    String kind =
        current
            .key()
            .map(
                secret ->
                    switch (secret.key()) {
                      case MomentoKey.V1 _ -> "v1";
                      case MomentoKey.V2 _ -> "v2";
                      case MomentoKey.Legacy _ -> "legacy";
                    })
            .orElse("unknown");
    return new CurrentKey(
        current.id(), kind, current.created(), current.expiry(), due(task, current));
  }

  private Optional<Instant> due(RotationTask task, KeyVersion current) {
    if (SecretFigures.isPaused(task.secret())) {
      return Optional.empty();
    }
    try {
      return task.dueAt(policy)
          .map(due -> due.isBefore(current.created()) ? current.created() : due);
    } catch (RotationException shownAsProblem) {
      return Optional.empty();
    }
  }
}
