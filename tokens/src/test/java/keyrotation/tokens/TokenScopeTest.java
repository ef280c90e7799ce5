package keyrotation.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import keyrotation.sandbox.V2Key;
import keyrotation.tokens.DataPlaneProbe.Access;
import keyrotation.tokens.PolicyModel.Expected;
import keyrotation.tokens.TokenFixture.Response;
import org.junit.jupiter.api.Test;

/**
 * Random policies, claims and requests. The data plane judges each token: it reaches what its rule
 * covers, and nothing else, and that until its end. The key is rotated and revoked meanwhile.
 *
 * <p>Each run plays others; {@code -Dscope.seed=SEED} plays one again.
 */
class TokenScopeTest {

  private static final boolean IS_LONG = Boolean.getBoolean("exhaustive");
  private static final int POLICIES = IS_LONG ? 600 : 10;
  private static final int REQUESTS = 5;

  /** How many accesses are tried with a token, those that it allows among them first. */
  private static final int ACCESSES = 80;

  private final long seed = Long.getLong("scope.seed", System.nanoTime() % 1_000_000);
  private final Random random = new Random(seed);
  private int tokens;
  private int refused;
  private int allowedAccesses;
  private int deniedAccesses;

  @Test
  void no_token_reaches_what_its_rule_does_not_cover() {
    try (TokenFixture fixture = new TokenFixture();
        DataPlaneProbe probe = new DataPlaneProbe(fixture.sandbox.momento().port())) {
      fixture.sandbox.momento().setCaches(new HashSet<>(PolicyModel.CACHES));
      V2Key key = fixture.issue();
      fixture.store(key);
      for (int i = 0; i < POLICIES; i++) {
        PolicyModel policy = new PolicyModel(random);
        fixture.deploy(policy.json());
        for (int j = 0; j < REQUESTS; j++) {
          if (random.nextInt(10) == 0) {
            V2Key next = fixture.issue();
            fixture.store(next);
            fixture.sandbox.momento().v2Keys().revoke(key.id());
            key = next;
          }
          play(fixture, probe, policy);
        }
      }
    }
    System.out.printf(
        "Tokens, seed %d: %,d policies, %,d tokens, %,d requests refused; %,d accesses allowed and"
            + " %,d denied, each as the policy says.%n",
        seed, POLICIES, tokens, refused, allowedAccesses, deniedAccesses);
    assertThat(tokens).isPositive();
    assertThat(refused).isPositive();
    assertThat(allowedAccesses).isPositive();
  }

  private void play(TokenFixture fixture, DataPlaneProbe probe, PolicyModel policy) {
    Map<String, Object> claims = policy.claims();
    Optional<String> rule = policy.ruleName();
    Optional<Integer> life =
        random.nextInt(3) > 0 ? Optional.empty() : Optional.of(2 + random.nextInt(7200));
    ObjectNode body = Json.object();
    rule.ifPresent(name -> body.put("rule", name));
    life.ifPresent(seconds -> body.put("lifetimeSeconds", seconds));
    boolean asksForMore = random.nextInt(8) == 0;
    if (asksForMore) {
      body.putArray(random.nextBoolean() ? "permissions" : "claims");
    }
    String request =
        "seed %d, policy %s, claims %s, body %s".formatted(seed, policy.json(), claims, body);

    Response response = fixture.request(PolicyModel.passed(claims), body.toString());

    Expected expected = policy.expected(claims, rule, life);
    if (asksForMore && !PolicyModel.isWithoutSubject(claims)) {
      expected = Expected.refused(400);
    }
    assertThat(response.status()).as(request).isEqualTo(expected.status());
    if (expected.status() != 200) {
      refused++;
      return;
    }
    tokens++;
    assertThat(response.body().path("expiresAt").longValue())
        .as(request)
        .isEqualTo(fixture.clock.instant().plusSeconds(expected.lifetime()).getEpochSecond());
    judge(fixture, probe, response.token(), expected, request);
  }

  private void judge(
      TokenFixture fixture, DataPlaneProbe probe, String token, Expected expected, String request) {
    Set<Access> allowed = new HashSet<>(expected.allowed());
    List<Access> tried = sample(expected.allowed());
    for (Access access : tried) {
      Status.Code code = probe.attempt(token, access);
      assertThat(code)
          .as("%s in %s", access, request)
          .isEqualTo(allowed.contains(access) ? Status.Code.OK : Status.Code.PERMISSION_DENIED);
      if (code == Status.Code.OK) {
        allowedAccesses++;
      } else {
        deniedAccesses++;
      }
    }
    if (allowed.contains(tried.getFirst())) {
      fixture.clock.advance(Duration.ofSeconds(expected.lifetime() - 1));
      assertThat(probe.attempt(token, tried.getFirst())).as(request).isEqualTo(Status.Code.OK);
      fixture.clock.advance(Duration.ofSeconds(1));
    } else {
      fixture.clock.advance(Duration.ofSeconds(expected.lifetime()));
    }
    assertThat(probe.attempt(token, tried.getFirst()))
        .as(request)
        .isEqualTo(Status.Code.UNAUTHENTICATED);
  }

  /** Returns accesses, half of which are allowed if there are as many. */
  private List<Access> sample(List<Access> allowed) {
    List<Access> some = new ArrayList<>(allowed);
    Collections.shuffle(some, random);
    Set<Access> sample = new LinkedHashSet<>(some.subList(0, Math.min(some.size(), ACCESSES / 2)));
    List<Access> universe = PolicyModel.universe();
    while (sample.size() < ACCESSES) {
      sample.add(universe.get(random.nextInt(universe.size())));
    }
    return List.copyOf(sample);
  }

  /**
   * If a name, or what begins with it, covers another one, then the other one's template names the
   * same claims, and the two callers have the same values of them.
   */
  @Test
  void names_of_different_callers_never_overlap() {
    int checked = 0;
    for (int i = 0; i < 400_000; i++) {
      boolean isPrefix = random.nextBoolean();
      Optional<Template> mine = template(isPrefix);
      Optional<Template> theirs = random.nextInt(3) == 0 ? mine : template(random.nextBoolean());
      if (mine.isEmpty() || theirs.isEmpty() || mine.get().canBeMistakenFor(theirs.get())) {
        continue;
      }
      Map<String, String> me = claims();
      Map<String, String> them = claims();
      String covering = mine.get().fill(new Identity("me", me));
      String covered = theirs.get().fill(new Identity("them", them));
      // An exact name within a prefix of another is part of what the policy gives to both.
      if (isPrefix ? covered.startsWith(covering) : covered.equals(covering)) {
        checked++;
        if (isPrefix || !theirs.get().isPrefix()) {
          assertThat(mine.get().claims())
              .as("seed %d: %s of %s covers %s of %s", seed, covering, me, covered, them)
              .allSatisfy(
                  claim -> {
                    assertThat(theirs.get().claims()).contains(claim);
                    assertThat(me.get(claim)).isEqualTo(them.get(claim));
                  });
        }
      }
    }
    assertThat(checked).isGreaterThan(1_000);
  }

  private Optional<Template> template(boolean isPrefix) {
    List<String> pieces = List.of("{a}", "{b}", "/", "/", "-", "x", "#", "user", "1");
    StringBuilder text = new StringBuilder();
    for (int j = 0; j < 1 + random.nextInt(6); j++) {
      text.append(pieces.get(random.nextInt(pieces.size())));
    }
    try {
      return Optional.of(
          isPrefix ? Template.prefix(text.toString()) : Template.exact(text.toString()));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private Map<String, String> claims() {
    List<String> values = List.of("1", "11", "1-", "-", "x", "1x", "user", ".", "x1-x");
    return Map.of(
        "a", values.get(random.nextInt(values.size())),
        "b", values.get(random.nextInt(values.size())));
  }
}
