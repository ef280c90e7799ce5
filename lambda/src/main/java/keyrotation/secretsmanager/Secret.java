package keyrotation.secretsmanager;

import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A secret, and the staging labels of its versions. A version without a label is not listed.
 *
 * @param name as an operator knows it: the name, or the ARN if it is of another account
 * @param created when the secret was created
 * @param rotationEnabled whether Secrets Manager's own rotation is enabled
 * @param nextRotation by when that rotates the secret next; empty if it does not
 * @param changed when the secret was last changed
 * @param replicas its copies in other regions
 * @param labels the staging labels, by version id
 * @param tags the settings of this secret
 */
public record Secret(
    String arn,
    String name,
    Instant created,
    boolean rotationEnabled,
    Optional<Instant> nextRotation,
    Instant changed,
    List<Replica> replicas,
    Map<String, List<String>> labels,
    SecretTags tags) {

  /**
   * For how long after a secret's latest change Secrets Manager's own rotation may be under way.
   * Its four steps take minutes.
   */
  private static final Duration ROTATION_TIME = Duration.ofHours(1);

  /** Tells whether every replica has the latest versions; true if there are none. */
  public boolean replicasInSync() {
    return replicas.stream().allMatch(Replica::isInSync);
  }

  /** Tells whether Secrets Manager's own rotation of the secret is under way. */
  public boolean isBeingRotated(Instant now) {
    return rotationEnabled
        && labelled(StagingLabel.PENDING)
            .filter(id -> !labelsOf(id).contains(StagingLabel.CURRENT))
            .isPresent()
        && changed.isAfter(now.minus(ROTATION_TIME));
  }

  /** Returns the id of the version that has the label. */
  public Optional<String> labelled(String label) {
    return labels.entrySet().stream()
        .filter(version -> version.getValue().contains(label))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** Returns the labels of a version; none if it has none, or does not exist. */
  public List<String> labelsOf(String versionId) {
    return labels.getOrDefault(versionId, List.of());
  }

  /** Tells whether the secret has as many labels as AWS allows. */
  public boolean isFull() {
    return labels.values().stream().mapToInt(List::size).sum() >= StagingLabel.MAX_PER_SECRET;
  }

  /** Returns the secret as it is once the label is taken off. */
  public Secret without(String label) {
    Map<String, List<String>> left =
        labels.entrySet().stream()
            .collect(
                toMap(
                    Map.Entry::getKey,
                    version -> version.getValue().stream().filter(l -> !l.equals(label)).toList()));
    left.values().removeIf(List::isEmpty);
    return with(left);
  }

  /** Returns the secret as it is once the label is on a version. */
  public Secret with(String label, String versionId) {
    Map<String, List<String>> more = new HashMap<>(labels);
    more.merge(
        versionId,
        List.of(label),
        (present, added) -> Stream.concat(present.stream(), added.stream()).toList());
    return with(more);
  }

  private Secret with(Map<String, List<String>> changedLabels) {
    return new Secret(
        arn, name, created, rotationEnabled, nextRotation, changed, replicas, changedLabels, tags);
  }

  /** Returns when a version's key is to be revoked; the latest time if there are several. */
  public Optional<Instant> revocationTime(String versionId) {
    return labelsOf(versionId).stream()
        .flatMap(label -> StagingLabel.revocationTime(label).stream())
        .max(Comparator.naturalOrder());
  }

  /** Returns when the keys of replaced versions are revoked, by version id. */
  public SortedMap<String, Instant> revocations() {
    SortedMap<String, Instant> times = new TreeMap<>();
    labels.keySet().forEach(id -> revocationTime(id).ifPresent(time -> times.put(id, time)));
    return times;
  }

  /** Returns the times at which keys are to be revoked. */
  public Set<Instant> revocationTimes() {
    return labels.values().stream()
        .flatMap(List::stream)
        .flatMap(label -> StagingLabel.revocationTime(label).stream())
        .collect(toSet());
  }
}
