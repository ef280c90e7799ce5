package keyrotation.infrastructure;

import java.util.Optional;

/**
 * The names that must be unique in an account and region, so that there can be many stacks.
 *
 * @param prefix what the names of alarms, the dashboard and the API begin with
 * @param rules what the names of rules begin with; 46 characters at most, of EventBridge's 64
 * @param function the function's name; if empty, CloudFormation makes one
 * @param namespace the namespace of the metrics
 */
record StackNames(String prefix, String rules, Optional<String> function, String namespace) {

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
        STACK + end,
        Optional.of(FUNCTION + end),
        NAMESPACE + suffix.map(text -> "/" + text).orElse(""));
  }

  /**
   * Returns the names of a construct in another stack.
   *
   * @param prefix is unique in the account and region, and has 46 characters at most
   */
  static StackNames ofConstruct(String prefix) {
    return ofTemplate(prefix, prefix);
  }

  /**
   * Returns the names in a template with parameters.
   *
   * @param prefix the stack's name
   * @param rules a short name that is unique in the account and region
   */
  static StackNames ofTemplate(String prefix, String rules) {
    return new StackNames(prefix, rules, Optional.empty(), NAMESPACE + "/" + prefix);
  }
}
