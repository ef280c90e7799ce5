package keyrotation.sandbox;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Comparator.comparing;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The state behind the Secrets Manager stand-in: secrets, their versions, and the staging labels
 * that move between them.
 *
 * <p>Its methods are the service's actions. They follow recorded responses where there are any;
 * errors have the service's types and messages.
 */
public final class SecretsManagerState {

  /** The label of the version that readers get by default. */
  public static final String CURRENT = "AWSCURRENT";

  /** The label of the version that a rotation creates. */
  public static final String PENDING = "AWSPENDING";

  /** The label of the version that was current before. */
  public static final String PREVIOUS = "AWSPREVIOUS";

  private static final int MAX_VALUE_BYTES = 65_536;
  private static final int MAX_LABELS = 20;
  private static final int MAX_HISTORY = 50;
  private static final String REGION = "us-east-1";
  private static final String ARN_PREFIX =
      "arn:aws:secretsmanager:" + REGION + ":123456789012:secret:";
  private static final Pattern ARN_OF_ANOTHER_ACCOUNT =
      Pattern.compile("arn:aws:secretsmanager:" + REGION + ":\\d{12}:secret:(.+)-[A-Za-z0-9]{6}");
  private static final String IN_SYNC = "InSync";
  private static final String IN_PROGRESS = "InProgress";
  private static final String FAILED = "Failed";

  /** The value of a version. */
  public sealed interface Value {
    /** A {@code SecretString}. */
    record Text(String text) implements Value {
      /** Hides the value from test reports. */
      @Override
      public String toString() {
        return "Text of " + text.length() + " characters";
      }
    }

    /** A {@code SecretBinary}, in base64. */
    record Binary(String base64) implements Value {
      /** Hides the value from test reports. */
      @Override
      public String toString() {
        return "Binary of " + base64.length() + " characters";
      }
    }
  }

  /**
   * A version of a secret.
   *
   * @param value null if a rotation has labeled the version but not yet stored a value
   * @param firstLabels the labels that its value was stored with
   */
  public record Version(
      String id,
      @Nullable Value value,
      Instant created,
      Set<String> labels,
      Set<String> firstLabels) {
    /** Copies the labels, in order. */
    public Version {
      labels = Collections.unmodifiableSortedSet(new TreeSet<>(labels));
      firstLabels = Set.copyOf(firstLabels);
    }

    private Version with(UnaryOperator<Set<String>> change) {
      return new Version(id, value, created, change.apply(new TreeSet<>(labels)), firstLabels);
    }
  }

  /** The configuration of the service's own rotation. */
  public record Rotation(String functionArn, int everyDays, Instant since, Optional<Instant> last) {
    /** Returns the date of the next rotation. */
    public Instant next() {
      return last.orElse(since).plus(everyDays, ChronoUnit.DAYS);
    }
  }

  /**
   * A secret and its versions, oldest first, including those without a label.
   *
   * @param primaryRegion the primary's region if the secret is replicated; differs from the ARN's
   *     region if this is a replica
   */
  public record Secret(
      String arn,
      String name,
      Optional<String> description,
      Optional<String> kmsKeyId,
      Instant created,
      Instant changed,
      Optional<Instant> deletion,
      Optional<Rotation> rotation,
      Optional<String> primaryRegion,
      Map<String, String> tags,
      List<Version> versions) {

    /** Copies the tags and the versions. */
    public Secret {
      tags = Collections.unmodifiableMap(new TreeMap<>(tags));
      versions = List.copyOf(versions);
    }

    /** Returns the version that has the label. */
    public Optional<Version> labelled(String label) {
      return versions.stream().filter(version -> version.labels.contains(label)).findFirst();
    }

    /** Returns the version with the id. */
    public Optional<Version> version(String id) {
      return versions.stream().filter(version -> version.id.equals(id)).findFirst();
    }

    private Secret withDescription(Optional<String> description) {
      return new Secret(
          arn,
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          primaryRegion,
          tags,
          versions);
    }

    private Secret withVersions(List<Version> versions, Instant changed) {
      return new Secret(
          arn,
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          primaryRegion,
          tags,
          versions);
    }

    private Secret withDeletion(Optional<Instant> deletion) {
      return new Secret(
          arn,
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          primaryRegion,
          tags,
          versions);
    }

    private Secret withRotation(Optional<Rotation> rotation) {
      return new Secret(
          arn,
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          primaryRegion,
          tags,
          versions);
    }

    private Secret withPrimaryRegion(String region) {
      return new Secret(
          arn,
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          Optional.of(region),
          tags,
          versions);
    }

    private Secret asReplicaIn(String region) {
      return new Secret(
          arn.replace(":" + REGION + ":", ":" + region + ":"),
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          Optional.of(REGION),
          tags,
          versions);
    }

    private Secret withTags(Map<String, String> tags) {
      return new Secret(
          arn,
          name,
          description,
          kmsKeyId,
          created,
          changed,
          deletion,
          rotation,
          primaryRegion,
          tags,
          versions);
    }
  }

  /** The state of a secret before a write, and the time of the write. */
  private record PastState(Secret secret, Instant until) {}

  private final InstantSource clock;
  private final Map<String, Secret> secrets = new LinkedHashMap<>();
  private final Map<String, List<PastState>> history = new HashMap<>();
  private final Map<String, Map<String, Instant>> lastReads = new HashMap<>();
  private final Map<String, Map<String, String>> replicaStatuses = new HashMap<>();
  private Instant latest = Instant.EPOCH;

  SecretsManagerState(InstantSource clock) {
    this.clock = clock;
  }

  /** Saves all secrets; returns an action that restores them. */
  synchronized Runnable save() {
    Map<String, Secret> saved = new LinkedHashMap<>(secrets);
    Map<String, List<PastState>> savedHistory = new HashMap<>();
    history.forEach((name, past) -> savedHistory.put(name, List.copyOf(past)));
    Instant savedLatest = latest;
    return () -> {
      synchronized (this) {
        secrets.clear();
        secrets.putAll(saved);
        history.clear();
        savedHistory.forEach((name, past) -> history.put(name, new ArrayList<>(past)));
        latest = savedLatest;
      }
    };
  }

  /** CreateSecret. Without a value the secret has no version. */
  public synchronized Secret create(
      String name, @Nullable Value value, @Nullable String token, @Nullable String kmsKeyId) {
    if (value != null) {
      requireToken(token);
    }
    Secret present = secrets.get(name);
    if (present != null && present.deletion.isPresent()) {
      throw SecretsManagerException.invalidRequest(
          "You can't create this secret because a secret with this name is already scheduled for"
              + " deletion.");
    }
    if (present != null) {
      throw SecretsManagerException.exists(
          "The operation failed because the secret " + name + " already exists.");
    }
    // Like the service's random characters, the suffix changes when a secret is created again.
    String suffix =
        Integer.toString(
            100_000 + secrets.size() + (int) (clock.instant().toEpochMilli() % 800_000));
    Secret secret = newSecret(ARN_PREFIX + name + "-" + suffix, name, kmsKeyId);
    secrets.put(name, secret);
    if (value != null && token != null) {
      put(name, token, value, Set.of(CURRENT));
      // A lagging read must not see the secret without its value.
      history.remove(name);
    }
    return describe(name);
  }

  /**
   * Creates a secret of another account, whose policies allow all callers all actions. Callers find
   * it by its whole ARN alone: a name means their own account.
   *
   * @param kmsKeyId a key of that account, since AWS's own key does not serve other accounts
   */
  public synchronized Secret createInOtherAccount(
      String arn, Value value, String token, String kmsKeyId) {
    Matcher parts = ARN_OF_ANOTHER_ACCOUNT.matcher(arn);
    if (!parts.matches() || arn.startsWith(ARN_PREFIX) || secrets.containsKey(arn)) {
      throw new IllegalArgumentException("not the ARN of a new secret of another account");
    }
    secrets.put(arn, newSecret(arn, parts.group(1), kmsKeyId));
    put(arn, token, value, Set.of(CURRENT));
    history.remove(arn);
    return describe(arn);
  }

  private Secret newSecret(String arn, String name, @Nullable String kmsKeyId) {
    Instant now = now();
    return new Secret(
        arn,
        name,
        Optional.empty(),
        Optional.ofNullable(kmsKeyId),
        now,
        now,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Map.of(),
        List.of());
  }

  /** Returns what identifies a secret here: its name, or its ARN if it is of another account. */
  private static String key(Secret secret) {
    return isOwn(secret) ? secret.name : secret.arn;
  }

  private static boolean isOwn(Secret secret) {
    return secret.arn.startsWith(ARN_PREFIX);
  }

  /** DescribeSecret, also of a secret that is scheduled for deletion. */
  public synchronized Secret describe(String secretId) {
    return find(secretId);
  }

  /** Makes all writes so far visible to stale and lagging reads. */
  public synchronized void settle() {
    history.clear();
  }

  /** Returns the secret as it was before the latest write to it. */
  synchronized Secret describeStale(String secretId) {
    Secret secret = find(secretId);
    List<PastState> past = history.getOrDefault(key(secret), List.of());
    return past.isEmpty() ? secret : past.getLast().secret;
  }

  /** Returns the secret as it was this long ago. */
  synchronized Secret describeAsOf(String secretId, Duration ago) {
    Secret secret = find(secretId);
    Instant then = clock.instant().minus(ago);
    return history.getOrDefault(key(secret), List.of()).stream()
        .filter(past -> past.until.isAfter(then))
        .map(PastState::secret)
        .findFirst()
        .orElse(secret);
  }

  /** GetSecretValue by version id, by label, or by both if they agree. */
  public static Version read(Secret secret, @Nullable String versionId, @Nullable String label) {
    requireUsable(secret);
    if (versionId == null) {
      String wanted = label == null ? CURRENT : label;
      return secret
          .labelled(wanted)
          .filter(version -> version.value != null)
          .orElseThrow(
              () ->
                  SecretsManagerException.notFound(
                      "Secrets Manager can't find the specified secret value for staging label: "
                          + wanted));
    }
    Version version =
        secret
            .version(versionId)
            .filter(found -> found.value != null)
            .orElseThrow(() -> noSuchVersion(versionId));
    if (label != null && !version.labels.contains(label)) {
      throw SecretsManagerException.invalidRequest(
          "You provided a VersionStage that is not associated to the provided VersionId.");
    }
    return version;
  }

  /** Records the date of a read. */
  synchronized void recordRead(Secret secret, Version version) {
    // Documented: the date has no time of day.
    Instant day = clock.instant().truncatedTo(ChronoUnit.DAYS);
    lastReads.computeIfAbsent(secret.arn, _ -> new HashMap<>()).put(version.id, day);
  }

  /** Returns the last read dates of the secret's versions, by id. */
  synchronized Map<String, Instant> lastReads(Secret secret) {
    return Map.copyOf(lastReads.getOrDefault(secret.arn, Map.of()));
  }

  /** PutSecretValue. A repeated token and value change nothing; no labels means CURRENT. */
  public synchronized Version put(
      String secretId, @Nullable String requestToken, Value value, Set<String> labels) {
    // Recorded: the token is checked before the secret.
    String token = requireToken(requestToken);
    requireSize(value);
    Secret secret = usable(secretId);
    Optional<Version> present = secret.version(token);
    if (present.isPresent() && present.get().value != null) {
      if (!value.equals(present.get().value)) {
        throw SecretsManagerException.exists(
            "You can't use ClientRequestToken "
                + token
                + " because that value is already in use for a version of secret "
                + secret.arn
                + ".");
      }
      return present.get();
    }
    Set<String> wanted = new TreeSet<>(labels.isEmpty() ? Set.of(CURRENT) : labels);
    if (secret.versions.isEmpty()) {
      wanted.add(CURRENT);
    }
    Instant now = now();
    List<Version> versions = new ArrayList<>(secret.versions);
    versions.removeIf(version -> version.id.equals(token));
    Set<String> kept = present.map(Version::labels).orElse(Set.of());
    versions.add(new Version(token, value, now, kept, wanted));
    Optional<Version> current = secret.labelled(CURRENT);
    if (wanted.contains(CURRENT) && current.isPresent()) {
      // Recorded: a put that moves AWSCURRENT removes AWSPENDING from the version that had both.
      relabel(versions, current.get().id, without(PENDING));
    }
    for (String label : wanted) {
      moveLabel(versions, label, token);
    }
    return save(secret, versions, now).version(token).orElseThrow();
  }

  /** UpdateSecret with a new value. */
  public Version update(String secretId, @Nullable String token, Value value) {
    return put(secretId, token, value, Set.of(CURRENT));
  }

  /** UpdateSecretVersionStage. An attached label moves only from the version that has it. */
  public synchronized Secret moveLabel(
      String secretId, String label, @Nullable String removeFrom, @Nullable String moveTo) {
    Secret secret = usable(secretId);
    for (String id : new String[] {removeFrom, moveTo}) {
      if (id != null && secret.version(id).isEmpty()) {
        throw noSuchVersion(id);
      }
    }
    Optional<String> holder = secret.labelled(label).map(Version::id);
    if (removeFrom != null && !holder.equals(Optional.of(removeFrom))) {
      throw SecretsManagerException.invalidParameter(
          "The staging label "
              + label
              + " is not attached to the version that you specified in RemoveFromVersionId.");
    }
    if (removeFrom == null && holder.isPresent() && !holder.get().equals(moveTo)) {
      throw SecretsManagerException.invalidParameter(
          "The parameter RemoveFromVersionId can't be empty. Staging label "
              + label
              + " is currently attached to version "
              + holder.get()
              + ", so you must explicitly reference that version in RemoveFromVersionId.");
    }
    List<Version> versions = new ArrayList<>(secret.versions);
    if (moveTo != null) {
      moveLabel(versions, label, moveTo);
    } else if (label.equals(CURRENT)) {
      throw SecretsManagerException.invalidParameter(
          "You can only move staging label AWSCURRENT to a different secret version. It can't be"
              + " completely removed.");
    } else if (removeFrom != null) {
      relabel(versions, removeFrom, without(label));
    }
    return save(secret, versions, now());
  }

  /** DeleteSecret, at once or with a recovery window. */
  public synchronized Secret delete(String secretId, boolean atOnce) {
    Secret secret = find(secretId);
    if (!replicaRegions(secret).isEmpty()) {
      // Documented, but the message was not recorded.
      throw SecretsManagerException.invalidRequest(
          "You can't delete a secret that still has replica regions.");
    }
    if (atOnce) {
      secrets.remove(key(secret));
      return secret.withDeletion(Optional.of(now()));
    }
    usable(secretId);
    Secret deleted = secret.withDeletion(Optional.of(now()));
    secrets.put(key(secret), deleted);
    return deleted;
  }

  /** RestoreSecret. */
  public synchronized Secret restore(String secretId) {
    Secret restored = find(secretId).withDeletion(Optional.empty());
    secrets.put(key(restored), restored);
    return restored;
  }

  /** Adds a version without a value, labeled PENDING, as the service does to start a rotation. */
  public synchronized Secret addPendingVersion(String secretId, String token) {
    Secret secret = usable(secretId);
    List<Version> versions = new ArrayList<>(secret.versions);
    if (secret.version(token).isEmpty()) {
      versions.add(new Version(token, null, now(), Set.of(), Set.of()));
    }
    moveLabel(versions, PENDING, token);
    return save(secret, versions, now());
  }

  /** Ends a successful rotation: removes the label PENDING and sets the rotation date. */
  synchronized void finishRotation(String secretId, String token) {
    Secret secret = find(secretId);
    if (secret.deletion.isPresent()) {
      return;
    }
    List<Version> versions = new ArrayList<>(secret.versions);
    relabel(versions, token, without(PENDING));
    Instant now = now();
    Optional<Rotation> rotation =
        secret.rotation.map(
            r -> new Rotation(r.functionArn, r.everyDays, r.since, Optional.of(now)));
    save(secret.withRotation(rotation), versions, now);
  }

  /** Removes the temporary version of a testSecret step. */
  synchronized void removeVersion(String secretId, String token) {
    Secret secret = find(secretId);
    if (secret.deletion.isPresent()) {
      return;
    }
    List<Version> versions = new ArrayList<>(secret.versions);
    versions.removeIf(version -> version.id.equals(token));
    save(secret, versions, now());
  }

  /** Enables or changes the service's own rotation. */
  synchronized void setRotation(String secretId, String functionArn, int everyDays) {
    Secret secret = usable(secretId);
    Rotation rotation =
        new Rotation(functionArn, everyDays, now(), secret.rotation.flatMap(Rotation::last));
    replace(secret, secret.withRotation(Optional.of(rotation)));
  }

  /** CancelRotateSecret: disables the service's own rotation. */
  synchronized Secret cancelRotation(String secretId) {
    Secret secret = usable(secretId).withRotation(Optional.empty());
    secrets.put(key(secret), secret);
    return secret;
  }

  /** Sets the description. Recorded: an empty description is removed. */
  synchronized void setDescription(String secretId, String description) {
    Secret secret = usable(secretId);
    secrets.put(
        key(secret),
        secret.withDescription(Optional.of(description).filter(text -> !text.isEmpty())));
  }

  /** Sets the primary's region; the secret is a replica if the region is not its own. */
  public synchronized void replicate(String secretId, String primaryRegion) {
    Secret secret = find(secretId);
    secrets.put(key(secret), secret.withPrimaryRegion(primaryRegion));
  }

  /**
   * ReplicateSecretToRegions: callers in these regions see the secret as a replica, without a lag.
   */
  public synchronized Secret addReplicas(String secretId, Collection<String> regions) {
    Secret secret = usable(secretId).withPrimaryRegion(REGION);
    secrets.put(key(secret), secret);
    Map<String, String> statuses =
        replicaStatuses.computeIfAbsent(key(secret), _ -> new TreeMap<>());
    regions.forEach(region -> statuses.put(region, IN_SYNC));
    return secret;
  }

  /** RemoveRegionsFromReplication: the replicas in these regions are deleted. */
  public synchronized Secret removeReplicas(String secretId, Collection<String> regions) {
    Secret secret = usable(secretId);
    replicaStatuses.getOrDefault(key(secret), new TreeMap<>()).keySet().removeAll(regions);
    return secret;
  }

  /**
   * Has DescribeSecret show that a secret's replica in a region lags behind its primary, or that it
   * does not. Callers in the region see the latest state all the same.
   */
  public synchronized void replicaLags(String secretId, String region, boolean lags) {
    replicaStatuses
        .getOrDefault(key(find(secretId)), new TreeMap<>())
        .replace(region, lags ? IN_PROGRESS : IN_SYNC);
  }

  /**
   * Has DescribeSecret show that replication to a region has failed; {@code replicaLags} ends that.
   * Callers in the region see the latest state all the same.
   */
  public synchronized void replicaFails(String secretId, String region) {
    replicaStatuses.getOrDefault(key(find(secretId)), new TreeMap<>()).replace(region, FAILED);
  }

  /** Returns the statuses of a secret's replicas, by region. */
  synchronized Map<String, String> replicaStatuses(Secret secret) {
    return new TreeMap<>(replicaStatuses.getOrDefault(key(secret), Map.of()));
  }

  private Set<String> replicaRegions(Secret secret) {
    return replicaStatuses(secret).keySet();
  }

  /** Tells whether a secret, given by name or ARN, has a replica in a region. */
  synchronized boolean hasReplicaIn(String region, String secretId) {
    return secrets.values().stream()
        .filter(secret -> key(secret).equals(secretId) || secret.arn.equals(secretId))
        .anyMatch(secret -> replicaRegions(secret).contains(region));
  }

  /**
   * Returns a secret as callers in a region see it: as a replica if there is one, else as it is.
   * Regions are not modeled otherwise.
   */
  synchronized Secret seenIn(String region, Secret secret) {
    return replicaRegions(secret).contains(region) ? secret.asReplicaIn(region) : secret;
  }

  /** TagResource. */
  public synchronized void tag(String secretId, Map<String, String> tags) {
    Secret secret = usable(secretId);
    Map<String, String> all = new TreeMap<>(secret.tags);
    all.putAll(tags);
    secrets.put(key(secret), secret.withTags(all));
  }

  /** UntagResource. */
  public synchronized void untag(String secretId, String tag) {
    Secret secret = usable(secretId);
    Map<String, String> left = new TreeMap<>(secret.tags);
    left.remove(tag);
    secrets.put(key(secret), secret.withTags(left));
  }

  /** ListSecrets: all secrets of the account that are not scheduled for deletion. */
  public synchronized List<Secret> list() {
    return secrets.values().stream()
        .filter(SecretsManagerState::isOwn)
        .filter(secret -> secret.deletion.isEmpty())
        .toList();
  }

  private Secret save(Secret secret, List<Version> versions, Instant now) {
    long labels = versions.stream().mapToLong(version -> version.labels.size()).sum();
    if (labels > MAX_LABELS) {
      throw SecretsManagerException.limitExceeded(
          "A secret can have at most " + MAX_LABELS + " staging labels.");
    }
    Secret changed = secret.withVersions(versions, now);
    replace(secret, changed);
    return changed;
  }

  /** Replaces a secret, and keeps its previous state for stale and lagging reads. */
  private void replace(Secret before, Secret after) {
    List<PastState> past = history.computeIfAbsent(key(before), _ -> new ArrayList<>());
    past.add(new PastState(before, clock.instant()));
    if (past.size() > MAX_HISTORY) {
      past.removeFirst();
    }
    secrets.put(key(before), after);
  }

  private static void moveLabel(List<Version> versions, String label, String to) {
    Optional<Version> holder =
        versions.stream().filter(version -> version.labels.contains(label)).findFirst();
    if (holder.isPresent() && !holder.get().id.equals(to)) {
      relabel(versions, holder.get().id, without(label));
      if (label.equals(CURRENT)) {
        moveLabel(versions, PREVIOUS, holder.get().id);
      }
    }
    relabel(
        versions,
        to,
        labels -> {
          labels.add(label);
          return labels;
        });
  }

  private static UnaryOperator<Set<String>> without(String label) {
    return labels -> {
      labels.remove(label);
      return labels;
    };
  }

  private static void relabel(
      List<Version> versions, String id, UnaryOperator<Set<String>> change) {
    versions.replaceAll(version -> version.id.equals(id) ? version.with(change) : version);
  }

  private Secret usable(String secretId) {
    Secret secret = find(secretId);
    requireUsable(secret);
    if (isReplica(secret)) {
      throw SecretsManagerException.replica();
    }
    return secret;
  }

  private static boolean isReplica(Secret secret) {
    return secret.primaryRegion.filter(region -> !region.equals(REGION)).isPresent();
  }

  private static void requireUsable(Secret secret) {
    if (secret.deletion.isPresent()) {
      throw SecretsManagerException.invalidRequest(
          "You can't perform this operation on the secret because it was marked for deletion.");
    }
  }

  /**
   * Finds a secret by name, ARN, or ARN without the random suffix; one of another account by its
   * whole ARN.
   */
  private Secret find(String secretId) {
    return secrets.values().stream()
        .filter(
            secret ->
                key(secret).equals(secretId)
                    || secret.arn.equals(secretId)
                    || secretId.equals(ARN_PREFIX + key(secret)))
        .max(comparing(Secret::created))
        .orElseThrow(
            () ->
                SecretsManagerException.notFound(
                    "Secrets Manager can't find the specified secret."));
  }

  private static SecretsManagerException noSuchVersion(String id) {
    return SecretsManagerException.notFound(
        "Secrets Manager can't find the specified secret value for VersionId: " + id);
  }

  private static String requireToken(@Nullable String token) {
    if (token == null) {
      throw SecretsManagerException.invalidRequest(
          "You must provide a ClientRequestToken value. We recommend a UUID-type value.");
    }
    if (token.length() < 32 || token.length() > 64) {
      throw SecretsManagerException.invalidParameter(
          "ClientRequestToken must be 32-64 characters long.");
    }
    return token;
  }

  private static void requireSize(Value value) {
    int size =
        switch (value) {
          case Value.Text(String text) -> text.getBytes(UTF_8).length;
          case Value.Binary(String base64) -> base64.length() / 4 * 3;
        };
    if (size > MAX_VALUE_BYTES) {
      throw SecretsManagerException.validation(
          "1 validation error detected: Value at 'secretString' failed to satisfy constraint:"
              + " Member must have length less than or equal to "
              + MAX_VALUE_BYTES);
    }
  }

  /** Returns the time in milliseconds, later at each write even if the clock stands still. */
  private Instant now() {
    Instant now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    latest = now.isAfter(latest) ? now : latest.plusMillis(1);
    return latest;
  }
}
