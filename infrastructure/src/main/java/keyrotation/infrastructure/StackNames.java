package keyrotation.infrastructure;

import java.util.Optional;

/**
 * The names that must be unique in an account and region, so that there can be many stacks.
 *
 * @param prefix what the names of alarms, rules, the dashboard and the API begin with
 * @param function the function's name; if empty, CloudFormation makes one
 * @param namespace the namespace of the metrics
 */
record StackNames(String prefix, Optional<String> function, String namespace) {

  /**
   * The name of the older TypeScript system's stack. No logical id equals one of the older stack's,
   * so a deployment over it fails on the function's name and is rolled back. An update in place
   * would delete the older stack's secrets.
   */
  static final String STACK = "momento-auth-token-refresh-stack";

  /** The name of the older TypeScript system's function. */
  static final String FUNCTION = "momento-auth-token-refresh-lambda";

  private static final String NAMESPACE = "MomentoKeyRotation";

  /**
   * Returns the names of a stack of this app.
   *
   * @param suffix tells several stacks apart; without it, the names are the older system's
   */
  static StackNames ofApp(Optional<String> suffix) {
    String end = suffix.map(text -> "-" + text).orElse("");
    return new StackNames(
        STACK + end,
        Optional.of(FUNCTION + end),
        NAMESPACE + suffix.map(text -> "/" + text).orElse(""));
  }

  /**
   * Returns the names of a construct in another stack.
   *
   * @param prefix is unique in the account and region
   */
  static StackNames ofConstruct(String prefix) {
    return new StackNames(prefix, Optional.empty(), NAMESPACE + "/" + prefix);
  }
}
