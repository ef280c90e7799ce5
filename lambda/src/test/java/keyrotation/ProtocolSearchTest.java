package keyrotation;

import static keyrotation.ProtocolInvariants.Violation.KEY_COMES_BACK;
import static keyrotation.ProtocolInvariants.Violation.KEY_IS_LOST;
import static keyrotation.ProtocolInvariants.Violation.LABEL_STAYS;
import static keyrotation.ProtocolInvariants.Violation.OLDER_KEY_OVERRULES;
import static keyrotation.ProtocolInvariants.Violation.REQUEST_IS_DONE_TWICE;
import static keyrotation.ProtocolInvariants.Violation.VERSION_COMES_BACK;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import keyrotation.ProtocolCalls.Situation;
import keyrotation.ProtocolInvariants.Violation;
import keyrotation.ProtocolModel.Protocol;
import keyrotation.ProtocolOneLabel.Guard;
import keyrotation.ProtocolSearch.Bounds;
import keyrotation.ProtocolSearch.Findings;
import keyrotation.ProtocolSearch.Trace;
import keyrotation.Scenario.Trigger;
import keyrotation.sandbox.Fault;
import keyrotation.sandbox.MomentoApiServer;
import keyrotation.sandbox.MomentoServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two requests, an operator and crashes, in all orders, on a small model of the rotation: with one
 * label no order violates an invariant; with two labels some do, and without any of its rules so
 * does the protocol with one.
 */
class ProtocolSearchTest {

  private static final List<String> READS_OF_RIGHTS =
      List.of("GetSecretValue", MomentoApiServer.LIST);

  private static final boolean SINGLE_USE = false;
  private static final boolean REUSABLE = true;
  private static final boolean TWO_REQUESTS = false;
  private static final boolean ONE_TWICE = true;

  /**
   * Not beyond: a key that was promoted comes back with three acts of the operator, or with
   * reusable tokens, two acts and a crash. Its label can stay after it was promoted, and
   * AWSPREVIOUS, which would show that it was, has moved on then.
   */
  private static final List<Bounds> EXHAUSTIVE =
      List.of(
          new Bounds(SINGLE_USE, TWO_REQUESTS, 1, 2),
          new Bounds(SINGLE_USE, ONE_TWICE, 1, 2),
          new Bounds(SINGLE_USE, TWO_REQUESTS, 2, 1),
          new Bounds(SINGLE_USE, ONE_TWICE, 2, 1),
          new Bounds(REUSABLE, TWO_REQUESTS, 1, 2),
          new Bounds(REUSABLE, ONE_TWICE, 1, 2),
          new Bounds(REUSABLE, TWO_REQUESTS, 2, 0),
          new Bounds(REUSABLE, ONE_TWICE, 2, 0));

  private static final List<Bounds> IN_EVERY_BUILD =
      List.of(
          new Bounds(SINGLE_USE, TWO_REQUESTS, 1, 2),
          new Bounds(SINGLE_USE, ONE_TWICE, 1, 2),
          new Bounds(REUSABLE, TWO_REQUESTS, 1, 1),
          new Bounds(REUSABLE, ONE_TWICE, 1, 1));

  @Test
  void the_protocol_with_one_label_violates_no_invariant() {
    for (Bounds bounds : Scenarios.IS_LONG ? EXHAUSTIVE : IN_EVERY_BUILD) {
      Findings findings = search("one label", ProtocolOneLabel.intact(), bounds);

      assertThat(findings.violations()).as(bounds.toString()).isEmpty();
      assertThat(findings.maxLabels())
          .as("labels at most, with %s", bounds)
          .isLessThanOrEqualTo(2 + bounds.acts());
    }
  }

  @Test
  void the_protocol_with_one_label_violates_no_invariant_when_a_request_is_scheduled() {
    Bounds bounds = new Bounds(SINGLE_USE, TWO_REQUESTS, 1, Scenarios.IS_LONG ? 2 : 1);

    Findings findings =
        search("one label, A scheduled", ProtocolOneLabel.withScheduled("A"), bounds);

    assertThat(findings.violations()).isEmpty();
  }

  @Test
  void the_protocol_with_two_labels_lets_an_older_key_overrule_the_operators_without_a_crash() {
    assertFound(
        search("two labels", new ProtocolTwoLabels(), new Bounds(SINGLE_USE, ONE_TWICE, 1, 0)),
        OLDER_KEY_OVERRULES);
    assertFound(
        search("two labels", new ProtocolTwoLabels(), new Bounds(SINGLE_USE, TWO_REQUESTS, 1, 0)),
        OLDER_KEY_OVERRULES);
  }

  @Test
  void the_protocol_with_two_labels_loses_a_key_with_one_crash() {
    Findings findings =
        search("two labels", new ProtocolTwoLabels(), new Bounds(SINGLE_USE, ONE_TWICE, 1, 1));

    assertFound(findings, KEY_IS_LOST);
    assertThat(findings.violations().get(KEY_IS_LOST)).extracting(Trace::crashes).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void the_protocol_with_one_label_needs_each_of_its_rules(Guard guard) {
    Proof proof = proofOf(guard);

    Findings findings =
        search("one label, without " + guard, ProtocolOneLabel.without(guard), proof.bounds);

    assertFound(findings, proof.violation);
  }

  /** The violation that is found without a rule, and within which bounds. */
  private record Proof(Violation violation, Bounds bounds) {}

  private static Proof proofOf(Guard guard) {
    return switch (guard) {
      case COMPARES -> new Proof(OLDER_KEY_OVERRULES, new Bounds(SINGLE_USE, ONE_TWICE, 0, 0));
      case LABEL_NAMES_SOURCE ->
          new Proof(OLDER_KEY_OVERRULES, new Bounds(SINGLE_USE, TWO_REQUESTS, 0, 0));
      case GOES_ON_IF_REFUSED ->
          new Proof(OLDER_KEY_OVERRULES, new Bounds(SINGLE_USE, ONE_TWICE, 1, 0));
      case RESUMES -> new Proof(KEY_IS_LOST, new Bounds(SINGLE_USE, ONE_TWICE, 0, 1));
      case ADOPTS -> new Proof(REQUEST_IS_DONE_TWICE, new Bounds(SINGLE_USE, TWO_REQUESTS, 0, 0));
      case UNLABELLED_IS_DONE ->
          new Proof(REQUEST_IS_DONE_TWICE, new Bounds(SINGLE_USE, TWO_REQUESTS, 1, 0));
      case OLDER_THAN_CURRENT_IS_DONE ->
          new Proof(REQUEST_IS_DONE_TWICE, new Bounds(SINGLE_USE, TWO_REQUESTS, 2, 0));
      case LOOKS_AGAIN -> new Proof(VERSION_COMES_BACK, new Bounds(SINGLE_USE, ONE_TWICE, 1, 0));
      case KNOWS_COPIES -> new Proof(KEY_COMES_BACK, new Bounds(SINGLE_USE, TWO_REQUESTS, 1, 0));
      case TIDIES -> new Proof(LABEL_STAYS, new Bounds(SINGLE_USE, ONE_TWICE, 1, 1));
      case TAKES_LABEL_OFF -> new Proof(LABEL_STAYS, new Bounds(SINGLE_USE, ONE_TWICE, 0, 0));
    };
  }

  /**
   * The model is held to the function: both make the same calls where nothing goes wrong. To issue
   * a v2 key is to the model what it is to refresh a key whose token is reusable.
   */
  @ParameterizedTest
  @CsvSource({
    "V1_WITH_SINGLE_USE_TOKEN, PLAIN, NEVER_ROTATED, one",
    "V1_WITH_SINGLE_USE_TOKEN, PLAIN, PREVIOUS, one",
    "V1_WITH_SINGLE_USE_TOKEN, OWN_SUCCESSOR, NEVER_ROTATED, one",
    "V1_WITH_SINGLE_USE_TOKEN, ANOTHERS_SUCCESSOR, NEVER_ROTATED, another",
    "V1_WITH_SINGLE_USE_TOKEN, DONE, NEVER_ROTATED, one",
    "V2, PLAIN, NEVER_ROTATED, one",
    "V2, PLAIN, PREVIOUS, one",
    "V2, OWN_SUCCESSOR, NEVER_ROTATED, one",
    "V2, ANOTHERS_SUCCESSOR, NEVER_ROTATED, another",
    "V2, DONE, NEVER_ROTATED, one",
  })
  void the_model_makes_the_calls_that_the_function_makes(
      KeyKind kind, Situation situation, InitialState initialState, String request) {
    try (SandboxedFunction function = Scenarios.newFixture(kind)) {
      initialState.arrange(function);
      if (situation == Situation.DONE) {
        var _ = Trigger.MANUAL.request(function, "one");
      } else if (situation != Situation.PLAIN) {
        function.awsCalls().onNth("PutSecretValue", 2, new Fault.After<>(function::crash));
        var _ = Trigger.MANUAL.request(function, "one");
        function.clearFaults();
      }
      int before = function.sandbox.callsSeen().size();
      assertThat(Trigger.MANUAL.request(function, request))
          .isInstanceOf(RotationFixture.Outcome.Answered.class);
      List<String> all = function.sandbox.callsSeen();

      assertThat(withReadsInOne(withoutRights(all.subList(before, all.size()))))
          .isEqualTo(
              withReadsInOne(
                  ProtocolCalls.of(
                      ProtocolOneLabel.intact(),
                      ProtocolState.starts(SINGLE_USE)
                          .get(initialState == InitialState.PREVIOUS ? 2 : 0),
                      situation)));
    }
  }

  /**
   * Leaves out how the right to a v2 key is proved: the management key and the list are read, and
   * the current key is verified. None of that changes with what others do.
   */
  private static List<String> withoutRights(List<String> calls) {
    List<String> left = new ArrayList<>(calls);
    int at = Collections.indexOfSubList(left, READS_OF_RIGHTS);
    if (at >= 0) {
      left.subList(at, at + READS_OF_RIGHTS.size()).clear();
      if (left.get(at).equals(MomentoServer.LIST_CACHES)) {
        left.remove(at);
      }
    }
    left.replaceAll(call -> call.equals(MomentoApiServer.ISSUE) ? MomentoServer.REFRESH : call);
    return left;
  }

  /** The model does not read a value twice that cannot change. */
  private static List<String> withReadsInOne(List<String> calls) {
    List<String> left = new ArrayList<>();
    for (String call : calls) {
      if (!call.equals("GetSecretValue") || !left.getLast().equals(call)) {
        left.add(call);
      }
    }
    return left;
  }

  private static void assertFound(Findings findings, Violation violation) {
    assertThat(findings.violations()).containsKey(violation);
  }

  private static Findings search(String scheme, Protocol protocol, Bounds bounds) {
    Findings findings = ProtocolSearch.search(protocol, bounds);
    String violations =
        findings.violations().entrySet().stream()
            .map(ProtocolSearchTest::words)
            .collect(Collectors.joining("; "));
    System.out.printf(
        "Protocol search, %s, %s: %,d states, %s.%n",
        scheme,
        bounds,
        findings.states(),
        violations.isEmpty() ? "0 violations" : "found: " + violations);
    return findings;
  }

  private static String words(Map.Entry<Violation, Trace> violation) {
    Trace trace = violation.getValue();
    return "%s (crashes: %d, acts: %d, steps: %d)"
        .formatted(violation.getKey(), trace.crashes(), trace.acts(), trace.steps().size());
  }
}
