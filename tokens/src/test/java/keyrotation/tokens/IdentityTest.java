package keyrotation.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent.RequestContext;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdentityTest {

  private static APIGatewayV2HTTPEvent event(RequestContext.Authorizer authorizer) {
    return APIGatewayV2HTTPEvent.builder()
        .withRequestContext(RequestContext.builder().withAuthorizer(authorizer).build())
        .build();
  }

  private static Optional<Identity> ofClaims(Map<String, String> claims) {
    var jwt = RequestContext.Authorizer.JWT.builder().withClaims(claims).build();
    return Identity.of(
        event(RequestContext.Authorizer.builder().withJwt(jwt).build()), Authorizer.JWT);
  }

  private static Optional<Identity> ofArn(String arn) {
    var iam = RequestContext.IAM.builder().withUserArn(arn).build();
    return Identity.of(
        event(RequestContext.Authorizer.builder().withIam(iam).build()), Authorizer.IAM);
  }

  @Test
  void the_claims_of_a_jwt_are_the_callers() {
    assertThat(ofClaims(Map.of("sub", "alice", "groups", "[a b]")))
        .contains(new Identity("alice", Map.of("sub", "alice", "groups", "[a b]")));
  }

  @Test
  void a_claim_without_a_value_is_none() {
    Map<String, String> claims = new HashMap<>(Map.of("sub", "alice"));
    claims.put("groups", null);

    assertThat(ofClaims(claims)).contains(new Identity("alice", Map.of("sub", "alice")));
  }

  @Test
  void a_jwt_without_a_subject_is_not_a_caller() {
    assertThat(ofClaims(Map.of("groups", "[a]"))).isEmpty();
    assertThat(ofClaims(Map.of("sub", " "))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          arn:aws:sts::123456789012:assumed-role/Reader/session  | 123456789012:role/Reader  | role | Reader
          arn:aws:sts::123456789012:assumed-role/Reader/a/b      | 123456789012:role/Reader  | role | Reader
          arn:aws-cn:iam::123456789012:user/alice                | 123456789012:user/alice   | user | alice
          arn:aws:iam::123456789012:user/path/to/alice           | 123456789012:user/alice   | user | alice
          """)
  void aws_credentials_are_those_of_a_role_or_a_user(
      String arn, String subject, String claim, String name) {
    assertThat(ofArn(arn))
        .contains(new Identity(subject, Map.of("account", "123456789012", claim, name)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "arn:aws:iam::123456789012:root",
        "arn:aws:sts::123456789012:federated-user/alice",
        "arn:aws:sts::123456789012:assumed-role/Reader",
        "arn:aws:iam::12345678901:user/alice",
        "alice"
      })
  void other_principals_are_not_callers(String arn) {
    assertThat(ofArn(arn)).isEmpty();
  }

  @Test
  void a_caller_verified_in_another_way_is_not_one() {
    var jwt = RequestContext.Authorizer.JWT.builder().withClaims(Map.of("sub", "alice")).build();
    var iam =
        RequestContext.IAM.builder().withUserArn("arn:aws:iam::123456789012:user/alice").build();

    assertThat(
            Identity.of(
                event(RequestContext.Authorizer.builder().withJwt(jwt).build()), Authorizer.IAM))
        .isEmpty();
    assertThat(
            Identity.of(
                event(RequestContext.Authorizer.builder().withIam(iam).build()), Authorizer.JWT))
        .isEmpty();
    assertThat(Identity.of(new APIGatewayV2HTTPEvent(), Authorizer.JWT)).isEmpty();
    assertThat(Identity.of(event(new RequestContext.Authorizer()), Authorizer.JWT)).isEmpty();
  }

  @Test
  void a_short_subject_is_the_tokens_id() {
    assertThat(new Identity("a".repeat(64), Map.of()).tokenId()).isEqualTo("a".repeat(64));
  }

  @Test
  void a_long_or_unprintable_subject_is_hashed() {
    assertThat(new Identity("a".repeat(65), Map.of()).tokenId())
        .isEqualTo("635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0");
    assertThat(new Identity("a b", Map.of()).tokenId())
        .isEqualTo("c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65");
  }

  @Test
  void the_text_form_hides_the_claims() {
    assertThat(new Identity("alice", Map.of("email", "hidden"))).hasToString("Identity[alice]");
  }
}
