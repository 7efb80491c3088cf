package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.record;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.Acks;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.Record;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProduceSessionTest {
  private final RequestPath path = new RequestPath(1);
  private final ProduceSession session = new ProduceSession(path.produce, path.home);
  private final List<String> answered = new ArrayList<>();

  private void submit(String name, int partition) {
    path.home.run(
        () ->
            session.submit(
                new ProduceRequest(
                    "orders", partition, List.of(record("k", name)), Acks.ALL, -1, 0),
                answer -> answered.add(name)));
  }

  @Test
  void requestsOfOnePartitionKeepTheirOrderWhileTheFirstWaits() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    PartitionId slow = new PartitionId(topic, 0);
    path.partitions.pausing(slow, true);
    submit("a", 0);
    submit("b", 0);
    submit("c", 1);
    path.time.runUntilIdle();
    assertEquals(List.of("c"), answered, "another partition overtakes");
    assertEquals(2, session.open());
    path.partitions.pausing(slow, false);
    path.time.runUntilIdle();
    assertEquals(List.of("c", "a", "b"), answered);
    assertEquals(List.of("a", "b"), values(slow));
  }

  @Test
  void aRequestOfTwoPartitionsWaitsForBothAndHoldsBoth() {
    TopicId topic = path.metadata.topic("orders", 2, Map.of());
    path.partitions.pausing(new PartitionId(topic, 0), true);
    submit("a", 0);
    path.home.run(
        () ->
            session.submit(
                new ProduceRequest(
                    "orders",
                    -1,
                    List.of(
                        record("k0", "both"),
                        record("k1", "both"),
                        record("k2", "both"),
                        record("k3", "both"),
                        record("k4", "both"),
                        record("k5", "both")),
                    Acks.ALL,
                    -1,
                    0),
                answer -> answered.add("both")));
    submit("z", 1);
    path.time.runUntilIdle();
    assertEquals(List.of(), answered, "z must not pass the request before it");
    path.partitions.pausing(new PartitionId(topic, 0), false);
    path.time.runUntilIdle();
    assertEquals(List.of("a", "both", "z"), answered);
  }

  @Test
  void aLookUpThatTakesLongDoesNotLetLaterRequestsPass() {
    path.metadata.lagging(true);
    TopicId topic = path.metadata.topic("orders", 1, Map.of());
    for (int i = 0; i < 1000; i++) {
      submit("v" + i, 0);
    }
    path.time.runUntilIdle();
    assertEquals(1000, answered.size());
    assertEquals("v0", answered.get(0));
    assertEquals("v999", values(new PartitionId(topic, 0)).get(999));
  }

  @Test
  void orderHoldsForAnyMixOfPausesAndPartitions() {
    for (long seed = 1; seed <= 30; seed++) {
      orderHolds(seed);
    }
  }

  private void orderHolds(long seed) {
    RequestPath fresh = new RequestPath(1);
    SeededRandom random = new SeededRandom(seed);
    TopicId topic = fresh.metadata.topic("orders", 3, Map.of());
    ProduceSession stream = new ProduceSession(fresh.produce, fresh.home);
    List<Integer> done = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      int number = i;
      PartitionId toggled = new PartitionId(topic, random.nextInt(3));
      fresh.partitions.pausing(toggled, random.oneIn(3));
      Record value = record("k" + random.nextInt(5), String.format("%03d", number));
      List<Record> records =
          random.oneIn(3)
              ? List.of(value, record("j" + random.nextInt(5), String.format("%03d", number)))
              : List.of(value);
      fresh.home.run(
          () ->
              stream.submit(
                  new ProduceRequest("orders", -1, records, Acks.ALL, -1, 0),
                  answer -> done.add(number)));
      if (random.oneIn(4)) {
        fresh.time.runUntilIdle();
      }
    }
    for (int p = 0; p < 3; p++) {
      fresh.partitions.pausing(new PartitionId(topic, p), false);
    }
    fresh.time.advanceMs(100);
    assertEquals(200, done.size(), "seed " + seed);
    assertEquals(0, stream.open());
    for (int p = 0; p < 3; p++) {
      List<String> values = new ArrayList<>();
      fresh
          .partitions
          .records(new PartitionId(topic, p))
          .forEach(record -> values.add(RequestPath.text(record.value())));
      assertTrue(values.equals(values.stream().sorted().toList()), "seed " + seed + ": " + values);
    }
  }

  private List<String> values(PartitionId partition) {
    return path.partitions.records(partition).stream()
        .map(record -> RequestPath.text(record.value()))
        .toList();
  }
}
