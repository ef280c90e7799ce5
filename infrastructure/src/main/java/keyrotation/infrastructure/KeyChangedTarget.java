package keyrotation.infrastructure;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import keyrotation.infrastructure.StackSettings.Environment;

/** Where the stack sends the events that named secrets have a new current key. */
sealed interface KeyChangedTarget {

  /** No events are sent. */
  record Nowhere() implements KeyChangedTarget {}

  /** An SNS topic that the stack creates. */
  record NewTopic() implements KeyChangedTarget {}

  /** An event bus that exists, in any account and region. */
  record Bus(String arn) implements KeyChangedTarget {

    /** The ARN of an event bus; groups: region, account, name. */
    private static final Pattern ARN =
        Pattern.compile(
            "arn:aws[a-z-]*:events:([a-z0-9-]+):(\\d{12}):event-bus/([A-Za-z0-9._-]{1,256})");

    /**
     * Parses an ARN. The default bus of the target is refused: Secrets Manager sends its events
     * there, so a rule that sends them there again would match its own events.
     */
    private static Optional<KeyChangedTarget> parse(String text, Environment target) {
      Matcher arn = ARN.matcher(text);
      return arn.matches()
              && !(arn.group(3).equals("default")
                  && target.account().equals(Optional.of(arn.group(2)))
                  && target.region().equals(Optional.of(arn.group(1))))
          ? Optional.of(new Bus(text))
          : Optional.empty();
    }
  }

  /**
   * Returns the rule of the setting.
   *
   * @param target what the stack is deployed to
   */
  static SettingRule<KeyChangedTarget> rule(Environment target) {
    return new SettingRule<>(
        text ->
            switch (text) {
              case "none" -> Optional.of(new Nowhere());
              case "topic" -> Optional.of(new NewTopic());
              default ->
                  SettingRule.isToken(text) ? Optional.of(new Bus(text)) : Bus.parse(text, target);
            },
        "none, topic, or the ARN of an event bus other than the default bus of the deployment's"
            + " account and region",
        "topic");
  }
}
