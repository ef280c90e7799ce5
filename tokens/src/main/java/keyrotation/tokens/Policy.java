package keyrotation.tokens;

import grpc.permission_messages.ExplicitPermissions;
import grpc.permission_messages.Permissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Decides from a caller's verified claims what a token may do. A caller that no rule covers gets no
 * token.
 *
 * @param rules in the order in which they are tried
 */
public record Policy(List<Rule> rules) {

  /** Copies the rules. */
  public Policy {
    rules = List.copyOf(rules);
  }

  /**
   * Reads a policy. {@code docs/tokens.md} describes its form.
   *
   * @param maxLifetime the longest life that a rule may allow
   * @throws IllegalArgumentException if it is invalid; the message has a line for each mistake
   */
  public static Policy parse(String json, Authorizer authorizer, Duration maxLifetime) {
    return PolicyParser.parse(json, authorizer, maxLifetime);
  }

  /**
   * What some callers get.
   *
   * @param name by which a request can choose the rule, and the log names it
   * @param conditions all of which a caller has to meet
   * @param lifetime how long a token lives at most, and if the request names no time
   * @param permissions what the token may do; they add up
   */
  record Rule(
      String name, List<Condition> conditions, Duration lifetime, List<Permission> permissions) {

    Rule {
      conditions = List.copyOf(conditions);
      permissions = List.copyOf(permissions);
    }

    boolean covers(Identity caller) {
      return conditions.stream().allMatch(condition -> condition.isMetBy(caller));
    }

    /**
     * Returns what a caller's token may do.
     *
     * @throws TokenException {@code CLAIM_UNUSABLE}
     */
    Permissions permissionsFor(Identity caller) {
      ExplicitPermissions.Builder statements = ExplicitPermissions.newBuilder();
      permissions.forEach(permission -> statements.addPermissions(permission.granted(caller)));
      return Permissions.newBuilder().setExplicit(statements).build();
    }

    /** Returns the time that a token lives: the rule's, or a shorter one that is asked for. */
    Duration lifetime(Optional<Duration> requested) {
      return requested.filter(time -> time.compareTo(lifetime) < 0).orElse(lifetime);
    }
  }

  /** What a claim has to be. */
  sealed interface Condition {

    /** Tells whether a caller's claims are as they have to be. */
    boolean isMetBy(Identity caller);

    /** The claim is this text. */
    record Equals(String claim, String value) implements Condition {
      @Override
      public boolean isMetBy(Identity caller) {
        return caller.claim(claim).filter(value::equals).isPresent();
      }
    }

    /**
     * The claim is a list that has this element. API Gateway passes a list as {@code [a b]}, so an
     * element ends at a space; a text such as {@code a b} is a list as well.
     */
    record Contains(String claim, String element) implements Condition {
      @Override
      public boolean isMetBy(Identity caller) {
        return caller.claim(claim).map(Contains::elements).filter(this::isIn).isPresent();
      }

      private boolean isIn(List<String> elements) {
        return elements.contains(element);
      }

      static List<String> elements(String value) {
        boolean isList = value.startsWith("[") && value.endsWith("]");
        return List.of((isList ? value.substring(1, value.length() - 1) : value).split(" +"));
      }
    }
  }

  /**
   * Returns the rule for a caller: the one that the request names, else the first that covers it.
   *
   * @throws TokenException {@code RULE_MISSING}
   */
  Rule ruleFor(Identity caller, Optional<String> name) {
    return rules.stream()
        .filter(rule -> name.map(rule.name::equals).orElse(true))
        .filter(rule -> rule.covers(caller))
        .findFirst()
        .orElseThrow(
            () ->
                new TokenException(
                    RefusalReason.RULE_MISSING,
                    name.isEmpty()
                        ? "No rule of the policy covers the caller. If the caller should get"
                            + " tokens, add a rule and deploy the policy."
                        : "The request names a rule that the policy does not have, or that does not"
                            + " cover the caller. Compare the request with the policy."));
  }
}
