package keyrotation.sandbox;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import keyrotation.sandbox.DataPermission.AllData;

/** The v2 keys of a Momento account and their roles. */
public final class V2Keys {

  /**
   * A role, which keys are issued for.
   *
   * @param id such as {@code r-owner}
   * @param managesKeys whether its keys may issue, list and revoke keys
   * @param listsCaches whether its keys may list caches
   * @param data what its keys may do on the data plane
   */
  public record Role(
      String id,
      String name,
      Type type,
      boolean managesKeys,
      boolean listsCaches,
      DataPermission data) {

    /** A role whose keys may do everything on the data plane. */
    public Role(String id, String name, Type type, boolean managesKeys, boolean listsCaches) {
      this(id, name, type, managesKeys, listsCaches, AllData.READ_WRITE);
    }

    /** Who has defined a role. */
    public enum Type {
      /** Momento. */
      SYSTEM,
      /** The account's owner. */
      CUSTOM
    }
  }

  /** All permissions. */
  public static final Role OWNER = new Role("r-owner", "Owner", Role.Type.SYSTEM, true, true);

  /** Changes caches, and no keys. */
  public static final Role OPERATOR =
      new Role("r-operator", "Operator", Role.Type.SYSTEM, false, true);

  /** Reads caches and subscribes to topics. */
  public static final Role VIEWER =
      new Role("r-viewer", "Viewer", Role.Type.SYSTEM, false, true, AllData.READ_ONLY);

  /** The keys that are not revoked, by id and in the order of their issue, after a change. */
  private record Change(Instant at, Map<String, V2Key> keys) {}

  private final InstantSource clock;
  private final Map<String, Role> roles = new LinkedHashMap<>();
  private final List<Change> changes = new ArrayList<>();
  private final List<V2Key> issued = new ArrayList<>();
  private final List<String> revokedByCalls = new ArrayList<>();
  private final Map<String, Integer> refusalsLeft = new HashMap<>();
  private int refusalsPerNewKey;

  V2Keys(InstantSource clock) {
    this.clock = clock;
    changes.add(new Change(Instant.MIN, Map.of()));
    List.of(OWNER, OPERATOR, VIEWER).forEach(this::add);
  }

  /** Adds or replaces a role. */
  public synchronized void add(Role role) {
    roles.put(role.id(), role);
  }

  /** Removes a role; its keys lose all permissions. */
  public synchronized void remove(Role role) {
    roles.remove(role.id());
  }

  /** Returns all roles. */
  public synchronized List<Role> roles() {
    return List.copyOf(roles.values());
  }

  /**
   * Issues a key, as the console does.
   *
   * @param expiry empty if the key never expires
   */
  public V2Key issue(Role role, String description, Optional<Instant> expiry) {
    return issue(role, description, Duration.ZERO, expiry);
  }

  /** Issues a key with this lifetime as the console did a while ago. */
  public V2Key issueAged(Role role, String description, Duration age, Duration lifetime) {
    return issue(role, description, age, Optional.of(clock.instant().minus(age).plus(lifetime)));
  }

  private synchronized V2Key issue(
      Role role, String description, Duration age, Optional<Instant> expiry) {
    Instant now = clock.instant();
    String id = Tokens.random(12);
    String end = expiry.map(at -> ",\"exp\":" + at.getEpochSecond()).orElse("");
    String claims = "{\"t\":\"g\",\"jti\":\"%s\"%s}".formatted(id, end);
    String token = Tokens.jwt(claims);
    V2Key key = new V2Key(id, token, role.id(), description, now.minus(age), expiry);
    Map<String, V2Key> keys = new LinkedHashMap<>(all());
    keys.put(id, key);
    changes.add(new Change(now, keys));
    issued.add(key);
    return key;
  }

  /** Issues a key that Momento's services do not accept at first, if so configured. */
  synchronized V2Key issueByCall(Role role, String description, Optional<Instant> expiry) {
    V2Key key = issue(role, description, expiry);
    refusalsLeft.put(key.token(), refusalsPerNewKey);
    return key;
  }

  /**
   * Revokes a key; it is rejected from now on.
   *
   * @return false if there is no such key
   */
  public synchronized boolean revoke(String id) {
    Map<String, V2Key> keys = new LinkedHashMap<>(all());
    if (keys.remove(id) == null) {
      return false;
    }
    changes.add(new Change(clock.instant(), keys));
    return true;
  }

  /** Revokes a key as the API is asked to. */
  synchronized boolean revokeByCall(String id) {
    boolean isRevoked = revoke(id);
    if (isRevoked) {
      revokedByCalls.add(id);
    }
    return isRevoked;
  }

  /** Returns the ids of all keys that calls of the API have revoked so far, in their order. */
  public synchronized List<String> revokedByCalls() {
    return List.copyOf(revokedByCalls);
  }

  /** Returns the keys that are not revoked, expired ones included, in the order of their issue. */
  public synchronized List<V2Key> list() {
    return List.copyOf(all().values());
  }

  /** Returns all keys issued so far, including revoked ones and those whose response was lost. */
  public synchronized List<V2Key> issued() {
    return List.copyOf(issued);
  }

  /** Refuses this number of first calls with each key that a call issues later. */
  public synchronized void refuseNewKeysAtFirst(int calls) {
    refusalsPerNewKey = calls;
  }

  /** Ends the propagation of all keys: each valid key is accepted. */
  public synchronized void acceptAllKeys() {
    refusalsPerNewKey = 0;
    refusalsLeft.clear();
  }

  /** Tells whether a token is a key that is neither revoked nor expired. */
  public synchronized boolean accepts(String token) {
    return find(token).isPresent();
  }

  synchronized List<V2Key> list(FaultInjector.View view) {
    Map<String, V2Key> seen =
        switch (view) {
          case FaultInjector.View.Latest _ -> all();
          case FaultInjector.View.BeforeLatestWrite _ ->
              changes.get(Math.max(0, changes.size() - 2)).keys;
          case FaultInjector.View.AsOf(Duration ago) ->
              changes.reversed().stream()
                  .filter(change -> !change.at.isAfter(clock.instant().minus(ago)))
                  .findFirst()
                  .orElseThrow()
                  .keys;
        };
    return List.copyOf(seen.values());
  }

  /** Returns a valid key by its token. */
  synchronized Optional<V2Key> find(String token) {
    return all().values().stream()
        .filter(key -> key.token().equals(token))
        .filter(key -> key.expiry().isEmpty() || clock.instant().isBefore(key.expiry().get()))
        .findFirst();
  }

  /** Tells whether a valid key is not yet known everywhere; each question counts as a call. */
  synchronized boolean isPropagating(V2Key key) {
    return refusalsLeft.merge(key.token(), -1, Integer::sum) >= 0;
  }

  /** Returns a key's role; empty if the role was removed. */
  synchronized Optional<Role> role(V2Key key) {
    return role(key.roleId());
  }

  synchronized Optional<Role> role(String id) {
    return Optional.ofNullable(roles.get(id));
  }

  /** Saves the keys and roles; returns an action that restores them. */
  synchronized Runnable save() {
    List<Change> savedChanges = List.copyOf(changes);
    Map<String, Role> savedRoles = new LinkedHashMap<>(roles);
    Map<String, Integer> savedRefusals = new HashMap<>(refusalsLeft);
    return () -> {
      synchronized (this) {
        changes.clear();
        changes.addAll(savedChanges);
        roles.clear();
        roles.putAll(savedRoles);
        refusalsLeft.clear();
        refusalsLeft.putAll(savedRefusals);
      }
    };
  }

  private Map<String, V2Key> all() {
    return changes.getLast().keys;
  }
}
