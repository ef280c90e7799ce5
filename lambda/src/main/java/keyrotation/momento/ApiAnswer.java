package keyrotation.momento;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Optional;

/** How a call to Momento's HTTP API ended. */
sealed interface ApiAnswer {

  /**
   * Momento did what was asked.
   *
   * @param body the answer, which may hold a new key
   * @param clockSkew how far the function's clock and Momento's are apart; empty if Momento's
   *     server has not told its time
   */
  record Success(ObjectNode body, Optional<Duration> clockSkew) implements ApiAnswer {

    /** Hides the body. */
    @Override
    public String toString() {
      return "Success[hidden]";
    }
  }

  /**
   * Momento refuses the call, however often it is made.
   *
   * @param status the HTTP status
   * @param code what Momento calls the error, for a message; empty if it says nothing readable
   */
  record Refused(int status, String code) implements ApiAnswer {

    @Override
    public String toString() {
      return code.isEmpty() ? "HTTP " + status : "HTTP " + status + ", " + code;
    }
  }

  /**
   * The call failed, and may succeed later.
   *
   * @param mayHaveActed whether Momento may have done what was asked all the same
   */
  record Unknown(Unavailable why, boolean mayHaveActed) implements ApiAnswer {}
}
