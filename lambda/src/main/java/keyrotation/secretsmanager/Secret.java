package keyrotation.secretsmanager;

import static java.util.stream.Collectors.toMap;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A secret, and the staging labels of its versions. A version without a label is not listed.
 *
 * @param name as an operator knows it
 * @param rotationEnabled whether Secrets Manager's own rotation is enabled
 * @param changed when the secret was last changed
 * @param labels the staging labels, by version id
 * @param tags the settings of this secret
 */
public record Secret(
    String arn,
    String name,
    boolean rotationEnabled,
    Instant changed,
    Map<String, List<String>> labels,
    SecretTags tags) {

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
    return new Secret(arn, name, rotationEnabled, changed, left, tags);
  }
}
