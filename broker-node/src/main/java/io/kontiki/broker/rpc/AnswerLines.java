package io.kontiki.broker.rpc;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets answers of one line leave in the order in which their requests came; lines overtake each
 * other. Lives on one loop.
 *
 * @param <K> names a line
 * @param <A> an answer
 */
final class AnswerLines<K, A> {
  private final Map<K, ArrayDeque<Place<A>>> lines = new HashMap<>();
  private final Consumer<A> out;

  private static final class Place<A> {
    @Nullable A answer;
  }

  AnswerLines(Consumer<A> out) {
    this.out = out;
  }

  /** A request came; the consumer takes its answer, once. */
  Consumer<A> enter(K line) {
    ArrayDeque<Place<A>> places = lines.computeIfAbsent(line, l -> new ArrayDeque<>(4));
    Place<A> place = new Place<>();
    places.add(place);
    return answer -> {
      place.answer = answer;
      release(line, places);
    };
  }

  private void release(K line, ArrayDeque<Place<A>> places) {
    while (!places.isEmpty()) {
      A answer = places.element().answer;
      if (answer == null) {
        return;
      }
      places.remove();
      if (places.isEmpty()) {
        lines.remove(line);
      }
      out.accept(answer);
    }
  }
}
