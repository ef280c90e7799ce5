package keyrotation.tokens;

import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import keyrotation.tokens.DataPlaneProbe.Access;
import keyrotation.tokens.DataPlaneProbe.Call;

/**
 * Random policies and claims, and what {@code docs/tokens.md} says that a caller may do. It shares
 * no code with the function.
 */
final class PolicyModel {

  static final List<String> CACHES = List.of("sessions", "prices", "prices-1", "prices-t");
  private static final List<String> VALUES = List.of("1", "10", "1-x", "a@b.c", "t", "1:2|3");
  private static final List<String> UNUSABLE = List.of("", "1/", "1 0", "*", "{sub}", "ä", "1\n");
  private static final List<String> ELEMENTS =
      List.of("users", "admins", "admins-2", "users,admins");
  private static final List<String> PREFIXES =
      List.of("user/{sub}/", "of/{tenant}/{sub}/", "of/{tenant}/", "open/", "o", "x/{tenant}#");
  private static final List<String> NAMES =
      List.of("user/{sub}", "of/{tenant}/{sub}", "open/1", "open/10", "y/{tenant}#y{sub}");
  private static final List<String> CACHE_NAMES =
      List.of("sessions", "prices", "prices", "prices-{tenant}");
  private static final Map<String, List<Call>> ACCESS =
      Map.of(
          "read-only", List.of(Call.GET),
          "write-only", List.of(Call.SET),
          "read-write", List.of(Call.GET, Call.SET),
          "publish", List.of(Call.PUBLISH),
          "subscribe", List.of(Call.SUBSCRIBE),
          "publish-subscribe", List.of(Call.PUBLISH, Call.SUBSCRIBE));
  private static final Pattern VALUE = Pattern.compile("[A-Za-z0-9_.@:|-]{1,128}");

  /** Which names a permission is about. */
  private enum Match {
    ALL,
    ONE,
    PREFIX
  }

  private record Condition(String claim, boolean isContained, String value) {}

  private record Permission(String access, Optional<String> cache, Match match, String name) {
    boolean isAboutTopics() {
      return access.contains("publish") || access.contains("subscribe");
    }
  }

  private record Rule(
      String name, List<Condition> conditions, int lifetime, List<Permission> permissions) {}

  /**
   * What a request should get.
   *
   * @param allowed all that its token may do
   */
  record Expected(int status, int lifetime, List<Access> allowed) {
    static Expected refused(int status) {
      return new Expected(status, 0, List.of());
    }
  }

  private final Random random;
  private final List<Rule> rules = new ArrayList<>();

  /** Makes a policy up. */
  PolicyModel(Random random) {
    this.random = random;
    for (int i = 0; i < 1 + random.nextInt(4); i++) {
      rules.add(rule("rule-" + i));
    }
  }

  private Rule rule(String name) {
    List<Condition> conditions = new ArrayList<>();
    if (random.nextBoolean()) {
      conditions.add(new Condition("groups", true, any(ELEMENTS)));
    }
    if (random.nextInt(3) == 0) {
      conditions.add(new Condition(any(List.of("sub", "tenant", "email")), false, any(VALUES)));
    }
    List<Permission> permissions = new ArrayList<>();
    for (int i = 0; i < 1 + random.nextInt(3); i++) {
      Match match = any(List.of(Match.values()));
      permissions.add(
          new Permission(
              any(ACCESS.keySet().stream().sorted().toList()),
              random.nextInt(4) == 0 ? Optional.empty() : Optional.of(any(CACHE_NAMES)),
              match,
              any(match == Match.ONE ? NAMES : PREFIXES)));
    }
    return new Rule(name, conditions, 2 + random.nextInt(3599), permissions);
  }

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  /** Returns the policy's file. */
  String json() {
    ObjectNode policy = Json.object();
    ArrayNode list = policy.putArray("rules");
    for (Rule rule : rules) {
      ObjectNode json = list.addObject().put("name", rule.name);
      ObjectNode claims = json.putObject("claims");
      for (Condition condition : rule.conditions) {
        claims
            .putObject(condition.claim)
            .put(condition.isContained ? "contains" : "equals", condition.value);
      }
      json.put("lifetimeSeconds", rule.lifetime);
      ArrayNode permissions = json.putArray("permissions");
      for (Permission permission : rule.permissions) {
        ObjectNode granted = permissions.addObject().put("access", permission.access);
        permission.cache.ifPresentOrElse(
            name -> granted.put("cache", name), () -> granted.put("caches", "all"));
        String names = permission.isAboutTopics() ? "topic" : "key";
        switch (permission.match) {
          case ALL -> granted.put(names + "s", "all");
          case ONE -> granted.put(names, permission.name);
          case PREFIX -> granted.put(names + "Prefix", permission.name);
        }
      }
    }
    return policy.toString();
  }

  /** Makes the claims of a caller up: texts, booleans and lists. */
  Map<String, Object> claims() {
    Map<String, Object> claims = new LinkedHashMap<>();
    claims.put("sub", value());
    if (random.nextInt(5) > 0) {
      claims.put("tenant", value());
    }
    if (random.nextInt(5) > 0) {
      claims.put("groups", random.nextInt(4) == 0 ? any(ELEMENTS) : elements());
    }
    if (random.nextBoolean()) {
      claims.put("email", any(VALUES));
      if (random.nextBoolean()) {
        claims.put("email_verified", random.nextBoolean());
      }
    }
    return claims;
  }

  private String value() {
    return any(random.nextInt(8) == 0 ? UNUSABLE : VALUES);
  }

  private List<String> elements() {
    return ELEMENTS.stream().filter(_ -> random.nextBoolean()).toList();
  }

  /** Returns claims as API Gateway passes them. */
  static Map<String, String> passed(Map<String, Object> claims) {
    Map<String, String> passed = new LinkedHashMap<>();
    claims.forEach(
        (name, value) ->
            passed.put(
                name,
                value instanceof List<?> list
                    ? list.stream().map(Object::toString).collect(joining(" ", "[", "]"))
                    : value.toString()));
    return passed;
  }

  /** Makes the name of a rule up, which need not exist. */
  Optional<String> ruleName() {
    return random.nextInt(3) > 0 ? Optional.empty() : Optional.of("rule-" + random.nextInt(5));
  }

  /** Returns what a caller should get. */
  Expected expected(Map<String, Object> claims, Optional<String> ruleName, Optional<Integer> life) {
    if (isWithoutSubject(claims)) {
      return Expected.refused(403);
    }
    Optional<Rule> found =
        rules.stream()
            .filter(rule -> ruleName.isEmpty() || rule.name.equals(ruleName.get()))
            .filter(rule -> rule.conditions.stream().allMatch(c -> isMet(c, claims)))
            .findFirst();
    if (found.isEmpty()) {
      return Expected.refused(403);
    }
    Rule rule = found.get();
    List<Permission> filled = new ArrayList<>();
    for (Permission permission : rule.permissions) {
      Optional<String> cache = permission.cache.flatMap(name -> fill(name, claims));
      Optional<String> name =
          permission.match == Match.ALL ? Optional.of("") : fill(permission.name, claims);
      if (name.isEmpty() || cache.isPresent() != permission.cache.isPresent()) {
        return Expected.refused(403);
      }
      filled.add(new Permission(permission.access, cache, permission.match, name.get()));
    }
    List<Access> allowed =
        universe().stream()
            .filter(access -> filled.stream().anyMatch(permission -> allows(permission, access)))
            .toList();
    int lifetime = life.map(asked -> Math.min(asked, rule.lifetime)).orElse(rule.lifetime);
    return new Expected(200, lifetime, allowed);
  }

  /** Tells whether a caller has no subject, without which the function does not serve it. */
  static boolean isWithoutSubject(Map<String, Object> claims) {
    return claims.getOrDefault("sub", "").toString().isBlank();
  }

  private static boolean isMet(Condition condition, Map<String, Object> claims) {
    Object value = claims.get(condition.claim);
    if (value == null
        || (condition.claim.equals("email")
            && !Boolean.TRUE.equals(claims.get("email_verified")))) {
      return false;
    }
    return (condition.isContained && value instanceof List<?> list)
        ? list.contains(condition.value)
        : value.equals(condition.value);
  }

  /** Puts claims in place of placeholders; empty if one has no value that may be there. */
  private static Optional<String> fill(String text, Map<String, Object> claims) {
    String filled = text;
    for (Matcher name = Pattern.compile("\\{(\\w+)}").matcher(text); name.find(); ) {
      String value = claims.getOrDefault(name.group(1), "") instanceof String simple ? simple : "";
      if (!VALUE.matcher(value).matches()) {
        return Optional.empty();
      }
      filled = filled.replace(name.group(), value);
    }
    return Optional.of(filled);
  }

  private static boolean allows(Permission permission, Access access) {
    return ACCESS.getOrDefault(permission.access, List.of()).contains(access.call())
        && permission.cache.map(access.cache()::equals).orElse(true)
        && switch (permission.match) {
          case ALL -> true;
          case ONE -> access.name().equals(permission.name);
          case PREFIX -> access.name().startsWith(permission.name);
        };
  }

  /**
   * Returns all accesses that are tried: to each name that a caller can get, and to its neighbors.
   */
  static List<Access> universe() {
    List<String> names =
        new ArrayList<>(List.of("o", "v", "open", "open/", "open/1", "open/10", "user/", "x/#"));
    for (String value : VALUES) {
      names.addAll(
          List.of(
              "user/" + value,
              "user/" + value + "/",
              "user/" + value + "/x",
              "of/" + value + "/",
              "of/t/" + value,
              "of/t/" + value + "/z",
              "of/1/" + value,
              "of/10/" + value + "/y",
              "x/" + value + "#",
              "x/" + value + "#y1",
              "y/" + value + "#y1",
              "y/t#y" + value));
    }
    List<Access> universe = new ArrayList<>();
    for (Call call : Call.values()) {
      for (String cache : CACHES) {
        names.forEach(name -> universe.add(new Access(call, cache, name)));
      }
    }
    return universe;
  }
}
