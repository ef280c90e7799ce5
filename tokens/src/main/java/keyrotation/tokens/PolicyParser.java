package keyrotation.tokens;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import grpc.permission_messages.CacheRole;
import grpc.permission_messages.TopicRole;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import keyrotation.tokens.Policy.Condition;
import keyrotation.tokens.Policy.Rule;

/** Parses a {@link Policy}, and collects all mistakes for one message. */
final class PolicyParser {

  /** As many as Momento takes in a token. */
  private static final int MAX_PERMISSIONS = 20;

  private static final Pattern RULE_NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

  private static final Map<String, CacheRole> ITEM_ACCESS =
      Map.of(
          "read-only", CacheRole.CacheReadOnly,
          "write-only", CacheRole.CacheWriteOnly,
          "read-write", CacheRole.CacheReadWrite);

  private static final Map<String, TopicRole> TOPIC_ACCESS =
      Map.of(
          "publish", TopicRole.TopicWriteOnly,
          "subscribe", TopicRole.TopicReadOnly,
          "publish-subscribe", TopicRole.TopicReadWrite);

  private static final Permission.All ALL = new Permission.All();

  /**
   * A name that a permission is about.
   *
   * @param kind names of different kinds have nothing to do with each other
   * @param cache the cache that the name belongs to; empty if that is any
   */
  private record Name(String path, Kind kind, Optional<Template> cache, Template template) {

    /** Tells whether a claim's value could turn one into the other. */
    boolean canBeMistakenFor(Name other) {
      boolean isInSameCache =
          cache.isEmpty() || other.cache.isEmpty() || cache.get().canEqual(other.cache.get());
      return kind == other.kind && isInSameCache && template.canBeMistakenFor(other.template);
    }
  }

  private enum Kind {
    CACHE,
    KEY,
    TOPIC
  }

  private final Authorizer authorizer;
  private final Duration maxLifetime;
  private final List<Name> names = new ArrayList<>();
  private final List<String> mistakes = new ArrayList<>();

  private PolicyParser(Authorizer authorizer, Duration maxLifetime) {
    this.authorizer = authorizer;
    this.maxLifetime = maxLifetime;
  }

  /** See {@link Policy#parse}. */
  static Policy parse(String json, Authorizer authorizer, Duration maxLifetime) {
    PolicyParser parser = new PolicyParser(authorizer, maxLifetime);
    List<Rule> rules =
        Json.read(json)
            .map(parser::rules)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "It must be one JSON object, in which no field occurs twice."));
    parser.checkNames();
    if (!parser.mistakes.isEmpty()) {
      throw new IllegalArgumentException(String.join("\n", parser.mistakes));
    }
    return new Policy(rules);
  }

  private List<Rule> rules(ObjectNode policy) {
    allowOnly(policy, "", Set.of("rules"));
    if (!policy.path("rules").isArray()) {
      mistake("rules", "must be a list");
    }
    List<Rule> rules = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (JsonNode rule : policy.path("rules")) {
      String path = "rules[" + rules.size() + "]";
      String name = text(rule, path, "name");
      if (!RULE_NAME.matcher(name).matches()) {
        mistake(path + ".name", "must be 1 to 64 characters of A-Z a-z 0-9 _ -");
      } else if (!names.add(name)) {
        mistake(path + ".name", "must differ from the names of the rules before it");
      }
      allowOnly(rule, path, Set.of("name", "claims", "lifetimeSeconds", "permissions"));
      rules.add(
          new Rule(name, conditions(rule, path), lifetime(rule, path), permissions(rule, path)));
    }
    return rules;
  }

  /** Refuses names of which a claim's value could turn one into the other. */
  private void checkNames() {
    for (int i = 0; i < names.size(); i++) {
      for (Name earlier : names.subList(0, i)) {
        if (names.get(i).canBeMistakenFor(earlier)) {
          mistake(
              names.get(i).path,
              ("must not overlap with %s: a claim's value could turn one into the other. Begin one"
                      + " of them with another text, such as user/")
                  .formatted(earlier.path));
        }
      }
    }
  }

  private List<Condition> conditions(JsonNode rule, String rulePath) {
    String path = rulePath + ".claims";
    if (!rule.path("claims").isObject()) {
      mistake(path, "must be an object; {} covers every verified caller");
    }
    List<Condition> conditions = new ArrayList<>();
    rule.path("claims")
        .properties()
        .forEach(claim -> conditions.add(condition(claim.getKey(), claim.getValue(), path)));
    return conditions;
  }

  private Condition condition(String claim, JsonNode json, String path) {
    String claimPath = path + "." + claim;
    checkClaim(claim, claimPath);
    allowOnly(json, claimPath, Set.of("equals", "contains"));
    if (json.size() != 1) {
      mistake(claimPath, "must be {\"equals\": TEXT} or {\"contains\": ELEMENT OF A LIST}");
      return new Condition.Equals(claim, "");
    }
    if (json.has("equals")) {
      return new Condition.Equals(claim, text(json, claimPath, "equals"));
    }
    String element = text(json, claimPath, "contains");
    if (!Condition.Contains.elements(element).equals(List.of(element))) {
      mistake(
          claimPath + ".contains",
          "must have no space, which ends an element, and no brackets around it");
    }
    return new Condition.Contains(claim, element);
  }

  private Duration lifetime(JsonNode rule, String path) {
    JsonNode seconds = rule.path("lifetimeSeconds");
    if (!seconds.isInt()
        || seconds.intValue() < 1
        || seconds.intValue() > maxLifetime.toSeconds()) {
      mistake(
          path + ".lifetimeSeconds", "must be a whole number from 1 to " + maxLifetime.toSeconds());
    }
    return Duration.ofSeconds(seconds.asInt());
  }

  private List<Permission> permissions(JsonNode rule, String rulePath) {
    String path = rulePath + ".permissions";
    JsonNode list = rule.path("permissions");
    if (!list.isArray() || list.isEmpty() || list.size() > MAX_PERMISSIONS) {
      mistake(path, "must be a list of 1 to " + MAX_PERMISSIONS + " permissions");
    }
    List<Permission> permissions = new ArrayList<>();
    for (JsonNode json : list) {
      permission(json, path + "[" + permissions.size() + "]").ifPresent(permissions::add);
    }
    return permissions;
  }

  private Optional<Permission> permission(JsonNode json, String path) {
    String access = text(json, path, "access");
    CacheRole items = ITEM_ACCESS.get(access);
    TopicRole topics = TOPIC_ACCESS.get(access);
    if (items == null && topics == null) {
      mistake(
          path + ".access",
          "must be read-only, write-only or read-write for keys, or publish, subscribe or"
              + " publish-subscribe for topics");
      return Optional.empty();
    }
    Optional<Permission.Caches> caches = caches(json, path);
    Kind kind = items == null ? Kind.TOPIC : Kind.KEY;
    Optional<Permission.Names> names = caches.flatMap(of -> names(json, path, kind, of));
    return caches.flatMap(
        of ->
            names.map(
                with ->
                    items == null
                        ? new Permission.Topics(Objects.requireNonNull(topics), of, with)
                        : new Permission.Items(items, of, with)));
  }

  private Optional<Permission.Caches> caches(JsonNode json, String path) {
    if (json.has("cache") == json.has("caches")) {
      mistake(path, "must have either cache, a name, or caches, which is \"all\"");
      return Optional.empty();
    }
    return json.has("caches")
        ? all(json, path, "caches").map(all -> all)
        : template(json, path, "cache", Kind.CACHE, Optional.empty(), Template::exact)
            .map(Permission.One::new);
  }

  /** Reads which items or topics. */
  private Optional<Permission.Names> names(
      JsonNode json, String path, Kind kind, Permission.Caches caches) {
    String one = kind == Kind.KEY ? "key" : "topic";
    String prefix = one + "Prefix";
    String all = one + "s";
    allowOnly(json, path, Set.of("access", "cache", "caches", one, prefix, all));
    List<String> present = Stream.of(one, prefix, all).filter(json::has).toList();
    if (present.size() != 1) {
      mistake(
          path,
          "must have one of %s, %s and %s, of which the last is \"all\""
              .formatted(one, prefix, all));
      return Optional.empty();
    }
    if (json.has(all)) {
      return all(json, path, all).map(every -> every);
    }
    Optional<Template> cache =
        caches instanceof Permission.One(Template name) ? Optional.of(name) : Optional.empty();
    return json.has(one)
        ? template(json, path, one, kind, cache, Template::exact).map(Permission.One::new)
        : template(json, path, prefix, kind, cache, Template::prefix)
            .map(Permission.WithPrefix::new);
  }

  private Optional<Permission.All> all(JsonNode json, String path, String field) {
    if (!text(json, path, field).equals("all")) {
      mistake(path + "." + field, "must be \"all\"");
      return Optional.empty();
    }
    return Optional.of(ALL);
  }

  private Optional<Template> template(
      JsonNode json,
      String path,
      String field,
      Kind kind,
      Optional<Template> cache,
      Function<String, Template> parser) {
    try {
      Template template = parser.apply(text(json, path, field));
      template.claims().forEach(claim -> checkClaim(claim, path + "." + field));
      names.add(new Name(path + "." + field, kind, cache, template));
      return Optional.of(template);
    } catch (IllegalArgumentException e) {
      mistake(path + "." + field, "must " + e.getMessage());
      return Optional.empty();
    }
  }

  private void checkClaim(String claim, String path) {
    if (!authorizer.hasClaim(claim)) {
      mistake(
          path,
          "must name account, role or user, as a caller with AWS credentials has no other claim");
    }
  }

  /** Returns a text; an empty one, and a mistake, if the field has none. */
  private String text(JsonNode json, String path, String field) {
    String text = json.path(field).isTextual() ? json.path(field).textValue() : "";
    if (text.isEmpty()) {
      mistake(path + "." + field, "must be a text that is not empty");
    }
    return text;
  }

  private void allowOnly(JsonNode json, String path, Set<String> fields) {
    json.properties().stream()
        .map(Map.Entry::getKey)
        .filter(field -> !fields.contains(field))
        .forEach(
            field ->
                mistake(
                    path.isEmpty() ? field : path + "." + field,
                    "must be left out: there is no such field here"));
  }

  private void mistake(String path, String rule) {
    mistakes.add(path + " " + rule + ".");
  }
}
