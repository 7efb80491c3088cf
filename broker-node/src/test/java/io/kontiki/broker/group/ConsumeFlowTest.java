package io.kontiki.broker.group;

import static io.kontiki.broker.group.ConsumeFixture.subscribe;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.group.ConsumeAction.Credit;
import io.kontiki.broker.group.ConsumeEvent.Records;
import io.kontiki.broker.group.ConsumeFixture.TestClient;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.record.RecordHeader;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How much goes out: the window, credit, and fairness among partitions. */
class ConsumeFlowTest {
  private final ConsumeFixture fixture = new ConsumeFixture();

  private TestClient window(long bytes) {
    return fixture.join(subscribe("g", "orders").with(wish -> wish.window = bytes).build());
  }

  private void filler(int partition, int records, int bytes) {
    for (int i = 0; i < records; i++) {
      fixture.put("orders", partition, "x".repeat(bytes));
    }
  }

  private static long of(TestClient client, int partition) {
    return client.all(Records.class).stream()
        .filter(records -> records.chunk().partition() == partition)
        .mapToLong(records -> records.chunk().records().size())
        .sum();
  }

  @Test
  void nothingIsSentBeyondTheWindowAndACommitMakesRoomAtOnce() {
    fixture.topic("orders", 1);
    filler(0, 20, 10);
    TestClient client = window(35);
    assertEquals(3, client.values.size());
    fixture.groups.away(true);
    client.commit("orders", 0, 1);
    fixture.ms(20);
    assertEquals(4, client.values.size(), "when it arrives, not when it is stored");
    client.commit("orders", 0, 4);
    fixture.ms(20);
    assertEquals(7, client.values.size());
  }

  @Test
  void aSeekBackMakesRoomForWhatComesAgain() {
    fixture.topic("orders", 1);
    filler(0, 20, 10);
    TestClient client = window(35);
    for (int times = 1; times < 4; times++) {
      assertEquals(3 * times, client.values.size());
      client.send(
          new ConsumeAction.Seek(
              new Named("orders", 0), new io.kontiki.broker.api.StartSpec.AtOffset(0)));
      fixture.ms(50);
    }
  }

  @Test
  void keysAndHeadersCount() {
    fixture.topic("orders", 1);
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    for (int i = 0; i < 5; i++) {
      builder.append(0, new byte[10], new byte[10], List.of(new RecordHeader("äöü", new byte[4])));
    }
    fixture.partitions.put(fixture.id("orders", 0), builder.build());
    assertEquals(2, window(60).values.size());
  }

  @Test
  void aRecordLargerThanTheWindowComesAlone() {
    fixture.topic("orders", 1);
    fixture.put("orders", 0, "small");
    fixture.put("orders", 0, "large".repeat(100));
    fixture.put("orders", 0, "small");
    TestClient client = window(10);
    assertEquals(1, client.values.size());
    client.commit("orders", 0, 1);
    fixture.ms(20);
    assertEquals(2, client.values.size());
    client.commit("orders", 0, 2);
    fixture.ms(20);
    assertEquals(3, client.values.size());
  }

  @Test
  void noPartitionFillsTheWindowWhileAnotherHasRecords() {
    fixture.topic("orders", 2);
    filler(0, 100, 10);
    filler(1, 100, 10);
    TestClient client = window(200);
    assertEquals(20, client.values.size());
    assertEquals(10, of(client, 0));
    assertEquals(10, of(client, 1));
  }

  @Test
  void whoIsAloneMayFillTheWindowAndMakesRoomForTheNext() {
    fixture.topic("orders", 2);
    filler(0, 100, 10);
    TestClient client = window(200);
    fixture.ms(2000);
    assertEquals(20, of(client, 0));
    filler(1, 100, 10);
    fixture.ms(100);
    assertEquals(0, of(client, 1));
    client.commit("orders", 0, 10);
    fixture.ms(20);
    assertEquals(10, of(client, 1), "the room goes to the one that has least");
    assertEquals(20, of(client, 0));
  }

  @Test
  void aLargeRecordThatWaitsForRoomIsNotOvertakenForEver() {
    fixture.topic("orders", 2);
    filler(0, 500, 10);
    filler(1, 1, 150);
    TestClient client = window(200);
    long[] next = {0};
    for (int i = 0; i < 100 && of(client, 1) == 0; i++) {
      next[0] = of(client, 0);
      client.commit("orders", 0, next[0]);
      fixture.ms(5);
    }
    assertEquals(1, of(client, 1));
  }

  @Test
  void manyPartitionsAllHaveTheirTurn() {
    fixture.topic("orders", 200);
    for (int p = 0; p < 200; p++) {
      filler(p, 2, 10);
    }
    TestClient client = window(1 << 20);
    fixture.ms(2000);
    assertEquals(400, client.values.size());
    filler(177, 1, 10);
    fixture.ms(1000);
    assertEquals(401, client.values.size());
  }

  @Test
  void manyPartitionsWithoutRecordsWaitAtTheirLeaders() {
    // One every 5 s, looked at when it comes and when its time is up.
    idleFor10s(1_000, 4_000, 1);
  }

  @Test
  void withMorePartitionsThanMayWaitTheyAreAskedInTurnAndSeldomWhenNothingComes() {
    idleFor10s(2_000, 22_000, 1_100);
  }

  /** So many partitions are looked at so often at most, and a record of one comes in time. */
  private void idleFor10s(int partitions, int mostLooks, long mostMs) {
    fixture.topic("orders", partitions);
    TestClient client = window(1 << 20);
    fixture.ms(20_000);
    int before = fetches(partitions);
    fixture.ms(10_000);
    int quiet = fetches(partitions) - before;
    assertTrue(quiet <= mostLooks, quiet + " looks at " + partitions + " idle partitions in 10 s");
    filler(partitions - 23, 1, 10);
    fixture.ms(mostMs);
    assertEquals(1, client.values.size());
  }

  private int fetches(int partitions) {
    int fetches = 0;
    for (int p = 0; p < partitions; p++) {
      fetches += fixture.partitions.fetches(fixture.id("orders", p));
    }
    return fetches;
  }

  @Test
  void withCreditOnlyCreditCounts() {
    fixture.topic("orders", 1);
    filler(0, 20, 10);
    TestClient client =
        fixture.join(
            subscribe("g", "orders")
                .with(
                    wish -> {
                      wish.window = 0;
                      wish.credit = 30;
                    })
                .build());
    assertEquals(3, client.values.size());
    client.commit("orders", 0, 3);
    fixture.ms(20);
    assertEquals(3, client.values.size(), "commits add nothing");
    client.send(new Credit(25));
    fixture.ms(20);
    assertEquals(5, client.values.size());
    client.send(new Credit(5));
    fixture.ms(20);
    assertEquals(6, client.values.size());
    client.send(new Credit(0));
    fixture.ms(20);
    assertEquals("credit.bytes", client.failure().metadata().get("field"));
  }

  @Test
  void aRecordLargerThanTheFirstCreditComesWhenThatMuchIsThere() {
    fixture.topic("orders", 1);
    filler(0, 3, 100);
    TestClient client =
        fixture.join(
            subscribe("g", "orders")
                .with(
                    wish -> {
                      wish.window = 0;
                      wish.credit = 30;
                    })
                .build());
    assertEquals(1, client.values.size());
    client.send(new Credit(90));
    fixture.ms(20);
    assertEquals(1, client.values.size());
    client.send(new Credit(10));
    fixture.ms(20);
    assertEquals(2, client.values.size());
  }

  @Test
  void creditNeedsAStreamThatBeganWithIt() {
    fixture.topic("orders", 1);
    TestClient client = window(10);
    client.send(new Credit(5));
    fixture.ms(20);
    assertEquals("credit", client.failure().metadata().get("field"));
  }

  @Test
  void aClientThatTakesNothingIsSentNothingAndIsNotForgotten() {
    fixture.topic("orders", 1);
    TestClient client = window(1000);
    client.ready(false);
    filler(0, 5, 10);
    fixture.ms(1000);
    assertEquals(0, client.values.size());
    client.ready(true);
    fixture.ms(20);
    assertEquals(5, client.values.size());
  }

  @Test
  void compressedBatchesArriveWholeAndInOrder() {
    fixture.topic("orders", 1);
    for (Compression compression : Compression.values()) {
      RecordBatchBuilder builder = new RecordBatchBuilder(compression);
      for (int i = 0; i < 100; i++) {
        builder.append(0, null, ("value " + i).getBytes(), List.of());
      }
      fixture.partitions.put(fixture.id("orders", 0), builder.build());
    }
    fixture.decoder.taskNanos(() -> 2_000_000);
    TestClient client = window(1 << 20);
    fixture.ms(1000);
    assertEquals(100 * Compression.values().length, client.values.size());
    long next = 0;
    for (Records records : client.all(Records.class)) {
      assertEquals(next, records.chunk().records().get(0).offset());
      next = records.chunk().nextOffset();
      assertTrue(records.chunk().sizeBytes() <= 1 << 20);
    }
  }
}
