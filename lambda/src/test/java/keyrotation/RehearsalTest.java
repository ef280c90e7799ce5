package keyrotation;

import static keyrotation.ReportAssert.assertThatReport;
import static keyrotation.ReportedResult.ROTATED;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/** A rehearsal that ended early would load fewer classes, and nothing else would show it. */
class RehearsalTest {

  @Test
  void rotates_the_made_up_key_to_the_end() throws IOException {
    assertThatReport(new Rehearsal(new VirtualTime()).run().json())
        .hasSecrets("rehearsal")
        .hasResults(ROTATED);
  }
}
