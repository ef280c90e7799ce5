package keyrotation.rotation;

import java.time.InstantSource;
import java.util.Optional;
import keyrotation.core.RotationRequest;
import keyrotation.momento.Expiry;
import keyrotation.momento.Verdict;
import keyrotation.secretsmanager.Secret;

/** Finds out whether a rotation would succeed, as far as that is possible without a new key. */
public final class DryRun {

  private final SecretVersions versions;
  private final KeyRenewal renewal;
  private final RenewalPolicy policy;
  private final InstantSource clock;

  public DryRun(
      SecretVersions versions, KeyRenewal renewal, RenewalPolicy policy, InstantSource clock) {
    this.versions = versions;
    this.renewal = renewal;
    this.policy = policy;
    this.clock = clock;
  }

  /**
   * Verifies the keys and probes the right to write. Whether Momento would accept the refresh token
   * cannot be found out without using it.
   */
  public RotationResult run(String secretId, RotationRequest request) {
    Secret secret = versions.describe(secretId);
    Optional<KeyVersion> current = versions.current(secret);
    if (secret.tags().isPaused()) {
      return new RotationResult.Paused(secret.name());
    }
    if (current.isEmpty()) {
      return new RotationResult.AwaitingFirstKey(secret.name());
    }
    RotationTask task = new RotationTask(secret, current.get(), request);
    Optional<KeyVersion> successor = versions.successorOf(task);
    boolean wouldResume =
        successor.isPresent()
            && !(renewal.verifySuccessor(task, successor.get()) instanceof Verdict.Rejected);
    if (!wouldResume) {
      renewal.rehearse(task);
    }
    versions.probeWrite(task);
    Expiry expiry = task.current().expiry();
    return new RotationResult.WouldRotate(
            secret.name(),
            task.current().id(),
            expiry,
            task.isDue(policy, clock.instant()) || renewal.isRevoked(task),
            wouldResume,
            secret.revocations())
        .orFailed(policy.judge(task.current().created(), expiry));
  }
}
