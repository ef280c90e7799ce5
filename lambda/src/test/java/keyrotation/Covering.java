package keyrotation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Selects scenarios so that each combination of a number of traits that occurs at all occurs in one
 * of those that are selected.
 *
 * @param traits returns a scenario's traits, always as many
 */
record Covering<T>(Function<T, List<?>> traits) {

  /** Enough for all traits of the scenarios, and for seven of them in a number. */
  private static final int BITS_FOR_A_TRAIT = 9;

  /** Takes each scenario with a new combination, in their order. */
  List<T> inOrder(List<T> scenarios, int combinedTraits) {
    return select(scenarios, combinedTraits, 1);
  }

  /** Takes those with the most new combinations first, and so about as few as it takes. */
  List<T> few(List<T> scenarios, int combinedTraits) {
    return select(scenarios, combinedTraits, Integer.MAX_VALUE);
  }

  private List<T> select(List<T> scenarios, int combinedTraits, int most) {
    Map<Object, Integer> numbers = new HashMap<>();
    Map<T, List<Long>> left = new LinkedHashMap<>();
    scenarios.forEach(
        each -> left.put(each, combinations(traits.apply(each), combinedTraits, numbers)));
    int all = left.values().stream().mapToInt(List::size).max().orElse(0);
    Set<Long> covered = new HashSet<>();
    List<T> selected = new ArrayList<>();
    for (int atLeast = Math.min(all, most); atLeast > 0; atLeast--) {
      for (Map.Entry<T, List<Long>> each : left.entrySet()) {
        List<Long> combinations = each.getValue();
        if (combinations.stream().filter(c -> !covered.contains(c)).count() >= atLeast) {
          covered.addAll(combinations);
          selected.add(each.getKey());
        }
      }
      left.values().removeIf(covered::containsAll);
    }
    return selected;
  }

  /** Returns the combinations of that many traits, each packed into a number. */
  private static List<Long> combinations(List<?> traits, int size, Map<Object, Integer> numbers) {
    List<Long> combinations = new ArrayList<>();
    for (int chosen = 0; chosen < 1 << traits.size(); chosen++) {
      if (Integer.bitCount(chosen) == size) {
        long combination = 0;
        for (int i = 0; i < traits.size(); i++) {
          int number = numbers.computeIfAbsent(traits.get(i), _ -> numbers.size() + 1);
          combination = combination << BITS_FOR_A_TRAIT | ((chosen >> i & 1) == 1 ? number : 0);
        }
        combinations.add(combination);
      }
    }
    return combinations;
  }
}
