package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import keyrotation.core.RotationRequest;
import keyrotation.core.TimeBudget;
import org.junit.jupiter.api.Test;

class RotationRequestTest {

  @Test
  void a_version_id_is_the_same_for_the_same_request_and_secret_and_no_other() {
    String id = request("a").versionId("arn:1");

    assertThat(request("a").versionId("arn:1")).isEqualTo(id);
    assertThat(request("b").versionId("arn:1")).isNotEqualTo(id);
    assertThat(request("a").versionId("arn:2")).isNotEqualTo(id);
    assertThat(RotationRequest.versionIdAfter(id)).isNotEqualTo(id);
  }

  @Test
  void a_version_id_is_one_that_secrets_manager_takes() {
    assertThat(request("a").versionId("arn:1")).hasSizeBetween(32, 64);
  }

  private static RotationRequest request(String identity) {
    return new RotationRequest(
        identity, new TimeBudget(() -> Instant.EPOCH, Instant.MAX, Duration.ZERO));
  }
}
