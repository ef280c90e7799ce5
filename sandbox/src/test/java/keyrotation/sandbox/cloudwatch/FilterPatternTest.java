package keyrotation.sandbox.cloudwatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FilterPatternTest {

  private static final String LINE =
      """
      {"step": "result", "secret": "momento/a", "days": 2.5, "count": 0, "needs": null,
       "failed": true, "done": false, "text": "true", "inner": {"name": "x y"}}\
      """;

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          { $.step = "result" }                                     ; true
          { $.step = "run" }                                        ; false
          { $.step != "run" }                                       ; true
          { $.step = result }                                       ; invalid
          { $.secret = "momento/*" }                                ; true
          { $.secret = "*/a" }                                      ; true
          { $.secret = "*/b" }                                      ; false
          { $.secret = * }                                          ; true
          { $.absent = * }                                          ; false
          { $.absent != "x" }                                       ; false
          { $.absent NOT EXISTS }                                   ; true
          { $.step NOT EXISTS }                                     ; false
          { $.needs IS NULL }                                       ; true
          { $.absent IS NULL }                                      ; false
          { $.failed IS TRUE }                                      ; true
          { $.done IS FALSE }                                       ; true
          { $.done IS TRUE }                                        ; false
          { $.text IS TRUE }                                        ; false
          { $.step IS FALSE }                                       ; false
          { $.inner = * }                                           ; false
          { $.step = "result" || $.step = "run" }                   ; true
          { $.days = 2.50 }                                         ; true
          { $.days >= 2.5 }                                         ; true
          { $.days > 2.5 }                                          ; false
          { $.days <= 2.5 }                                         ; true
          { $.days < 2.5 }                                          ; false
          { $.days != 2.5 }                                         ; false
          { $.days = * }                                            ; true
          { $.count = 0 }                                           ; true
          { $.step >= 0 }                                           ; false
          { $.inner.name = "x y" }                                  ; true
          { $.step = "run" || $.days = 2.5 && $.count = 0 }         ; true
          { ($.step = "run" || $.days = 2.5) && $.count = 1 }       ; false
          { $.count = 1 && $.step = "run" || $.days = 2.5 }         ; true
          { $.count = 1 && ($.step = "run" || $.days = 2.5) }       ; false
          """)
  void selects_lines_as_aws_documents_it(String pattern, String expected)
      throws JsonProcessingException {
    if (expected.equals("invalid")) {
      assertThatThrownBy(() -> FilterPattern.parse(pattern))
          .isInstanceOf(IllegalArgumentException.class);
    } else {
      assertThat(FilterPattern.parse(pattern).matches(new ObjectMapper().readTree(LINE)))
          .isEqualTo(Boolean.parseBoolean(expected));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ERROR",
        "{ }",
        "{ $.step }",
        "{ $.step = }",
        "{ $.step = \"a\" $.step = \"b\" }",
        "{ ($.step = \"a\" }",
        "{ $.step ~ \"a\" }",
        "{ $.step > \"a\" }",
        "{ step = \"a\" }",
        "{ $.step = %a% }",
      })
  void refuses_what_it_does_not_support(String pattern) {
    assertThatThrownBy(() -> FilterPattern.parse(pattern))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("The filter pattern " + pattern + " is invalid: ");
  }
}
