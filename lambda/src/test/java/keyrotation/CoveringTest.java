package keyrotation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class CoveringTest {

  private static final Covering<String> COVERING = new Covering<>(s -> s.chars().boxed().toList());

  /** All words of three letters, of which each letter has a set of its own. */
  private static final List<String> WORDS =
      letters("ABCD")
          .flatMap(a -> letters("EFGH").flatMap(b -> letters("IJK").map(c -> a + b + c)))
          .toList();

  private static Stream<String> letters(String letters) {
    return letters.chars().mapToObj(Character::toString);
  }

  @Test
  void each_pair_of_traits_that_occurs_occurs_in_one_that_is_selected() {
    // Some pairs occur once, and some not at all.
    List<String> words = new ArrayList<>(WORDS);
    words.removeIf(word -> word.startsWith("AE") && !word.equals("AEK"));
    words.removeIf(word -> word.startsWith("BF"));

    assertThat(pairs(COVERING.few(words, 2))).containsExactlyInAnyOrderElementsOf(pairs(words));
    assertThat(pairs(COVERING.inOrder(words, 2))).containsExactlyInAnyOrderElementsOf(pairs(words));
  }

  @Test
  void a_few_are_about_as_few_as_it_takes() {
    assertThat(COVERING.few(WORDS, 2)).hasSize(4 * 4);
    assertThat(COVERING.few(WORDS, 1)).hasSize(4);
    assertThat(COVERING.few(WORDS, 3)).isEqualTo(WORDS);
  }

  @Test
  void in_order_each_with_something_new_is_taken() {
    assertThat(COVERING.inOrder(WORDS, 1))
        .containsExactly("AEI", "AEJ", "AEK", "AFI", "AGI", "AHI", "BEI", "CEI", "DEI");
    assertThat(COVERING.inOrder(WORDS, 3)).isEqualTo(WORDS);
  }

  private static List<String> pairs(List<String> words) {
    return words.stream()
        .flatMap(
            word ->
                IntStream.range(0, 3).mapToObj(i -> word.substring(0, i) + word.substring(i + 1)))
        .distinct()
        .toList();
  }
}
