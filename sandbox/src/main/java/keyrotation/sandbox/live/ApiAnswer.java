package keyrotation.sandbox.live;

import com.fasterxml.jackson.databind.JsonNode;

/** An answer of Momento's HTTP API. Its string form shows no part of the body but an error code. */
sealed interface ApiAnswer {

  /** The call has succeeded. */
  record Success(JsonNode body) implements ApiAnswer {
    @Override
    public String toString() {
      return "HTTP 200";
    }
  }

  /**
   * The call was refused.
   *
   * @param isJson whether the body is JSON with a code or an error, as Momento's are; a proxy's is
   *     not
   * @param code Momento's code; empty if it is unusual, since it might contain a key then
   */
  record Refused(int status, boolean isJson, String code) implements ApiAnswer {

    /** Tells whether this is Momento's answer with this HTTP status. */
    boolean is(int other) {
      return status == other && isJson;
    }

    @Override
    public String toString() {
      return "HTTP " + status + (isJson ? " (" + code + ")" : " without a JSON error");
    }
  }

  /** Tells whether Momento has refused the call with this HTTP status and a JSON error. */
  default boolean isRefusedWith(int status) {
    return this instanceof Refused refused && refused.is(status);
  }
}
