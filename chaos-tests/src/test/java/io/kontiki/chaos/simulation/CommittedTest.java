package io.kontiki.chaos.simulation;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.CompactedBatch;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordReader;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the ledger demands of a batch that it did not see when it was committed, and what not. */
class CommittedTest {
  private final Committed committed = new Committed(new PartitionId(new TopicId(1, 2), 0));

  private static RecordBatch batch(long base, int records, int epoch, long value) {
    return stamped(
        Values.batch(Values.records(value, records, 20), -1, (short) -1, -1), base, epoch);
  }

  private static RecordBatch keyed(long base, String key, long value) {
    List<Values.Keyed> records = List.of(new Values.Keyed(key, false));
    return stamped(Values.batch(Values.records(value, records, 20), -1, (short) -1, -1), base, 0);
  }

  private static RecordBatch stamped(ByteBuffer bytes, long base, int epoch) {
    RecordBatch batch = RecordBatch.at(bytes);
    batch.stamp(base, epoch);
    return batch;
  }

  /** Two batches are committed; of broker 1, which then leads without an election, so much. */
  private void settledFromLogThatBeginsAt(long begin, long kept) {
    committed.saw(batch(0, 2, 0, 100), "n2");
    committed.saw(batch(2, 2, 0, 101), "n2");
    committed.uncleanElection(1, 1, kept);
    committed.settles(List.of(batch(begin, 2, 1, 102)), begin, "n1");
  }

  @Test
  void whatLiesBeforeTheLogOfAnUncleanLeaderIsAsItWas() {
    settledFromLogThatBeginsAt(4, 4);
    assertDoesNotThrow(() -> committed.saw(batch(0, 2, 0, 100), "n3"));
    assertEquals(
        "P5", assertThrows(Violation.class, () -> committed.saw(batch(2, 2, 0, 201), "n3")).rule());
  }

  @Test
  void whatTheUncleanLeaderLackedMayHaveBeenAnything() {
    settledFromLogThatBeginsAt(6, 2);
    assertDoesNotThrow(() -> committed.saw(batch(2, 4, 1, 201), "n3"));
    assertEquals(
        "P5", assertThrows(Violation.class, () -> committed.saw(batch(0, 2, 0, 200), "n3")).rule());
    assertEquals(
        "P5", assertThrows(Violation.class, () -> committed.saw(batch(6, 2, 1, 202), "n3")).rule());
  }

  @Test
  void nothingIsSaidOfKeyedBatchesThatNobodyLookedAt() {
    committed.lenient();
    committed.saw(keyed(0, "a", 100), "n1");
    committed.unseenUpTo(2);
    committed.saw(keyed(2, "b", 102), "n1");
    assertDoesNotThrow(() -> committed.saw(keyed(1, "a", 101), "n2"));
    assertEquals(
        "L6", assertThrows(Violation.class, () -> committed.saw(keyed(2, "c", 102), "n2")).rule());
  }

  @Test
  void aBatchInWhichALogBeginsIsCommittedToItsEnd() {
    committed.lenient();
    committed.saw(batch(0, 2, 0, 100), "n1");
    committed.unseenUpTo(3);
    committed.saw(batch(2, 3, 0, 101), "n1");
    assertEquals(5, committed.end());
    assertDoesNotThrow(() -> committed.saw(batch(5, 1, 0, 102), "n1"));
    assertEquals(
        "P5", assertThrows(Violation.class, () -> committed.saw(batch(7, 1, 0, 103), "n1")).rule());
  }

  @Test
  void betweenTwoGapsEverythingIsKnown() {
    committed.lenient();
    committed.unseenUpTo(2);
    committed.saw(batch(2, 2, 0, 101), "n1");
    committed.unseenUpTo(6);
    assertDoesNotThrow(() -> committed.saw(batch(0, 2, 0, 100), "n2"));
    assertDoesNotThrow(() -> committed.saw(batch(4, 2, 0, 102), "n2"));
    assertEquals(
        "P5", assertThrows(Violation.class, () -> committed.saw(batch(3, 1, 0, 101), "n2")).rule());
  }

  private static RecordBatch placeholder(long base, long next) {
    return RecordBatch.at(CompactedBatch.placeholder(base, next - 1, 0, CompactedBatch.NO_HORIZON));
  }

  /** Of two records the second is left. */
  private static RecordBatch halfOf(long base, long value) {
    List<Values.Keyed> records =
        List.of(new Values.Keyed("a", false), new Values.Keyed("b", false));
    RecordBatch whole =
        stamped(Values.batch(Values.records(value, records, 20), -1, (short) -1, -1), base, 0);
    CompactedBatch half = new CompactedBatch(whole, CompactedBatch.NO_HORIZON);
    RecordReader reader = RecordReader.open(whole, 1 << 20);
    reader.nextSpan();
    half.keep(reader.nextSpan());
    return RecordBatch.at(half.build());
  }

  @Test
  void nobodyHasCompactedWhatOnlyReplicasThatAreLookedAtCommitted() {
    committed.saw(keyed(0, "a", 100), "n1");
    for (RecordBatch batch : List.of(placeholder(1, 2), halfOf(1, 101))) {
      assertEquals("L6", assertThrows(Violation.class, () -> committed.saw(batch, "n2")).rule());
    }
    committed.lenient(); // bits have rotted where nothing ever led
    for (RecordBatch batch : List.of(placeholder(1, 2), halfOf(1, 101))) {
      assertEquals("L6", assertThrows(Violation.class, () -> committed.saw(batch, "n2")).rule());
      assertEquals("L6", assertThrows(Violation.class, () -> committed.read(batch, "c")).rule());
    }
    assertEquals(1, committed.end());
  }

  /** It was cut off from its followers, and could tell clients what it had committed, not them. */
  @Test
  void whatALeaderThatNobodyLooksAtHasCompactedIsKnownOfWhoHasItWhole() {
    committed.lenient();
    committed.ledUnseen();
    committed.saw(keyed(0, "a", 100), "n1");
    committed.read(placeholder(1, 2), "c");
    assertEquals(1, committed.end());
    committed.saw(keyed(1, "b", 101), "n1");
    assertEquals(
        "L6",
        assertThrows(Violation.class, () -> committed.read(placeholder(1, 2), "c")).rule(),
        "it is the newest of its key");
    committed.saw(keyed(2, "b", 102), "n1");
    assertDoesNotThrow(() -> committed.read(placeholder(1, 2), "c"));
  }

  /**
   * A follower has what it was shipped, which may be all that there is as long as others are down.
   */
  @Test
  void whatIsKnownOnlyAsALeaderThatNobodyLooksAtHasCompactedItIsAGap() {
    committed.lenient();
    committed.ledUnseen();
    committed.saw(placeholder(0, 1), "n2");
    committed.saw(halfOf(1, 101), "n2");
    committed.saw(keyed(3, "c", 102), "n2");
    assertEquals(4, committed.end());
    assertDoesNotThrow(() -> committed.saw(keyed(0, "a", 100), "n1"));
    assertDoesNotThrow(() -> committed.saw(placeholder(0, 1), "n3"));
    assertEquals(
        "L6",
        assertThrows(Violation.class, () -> committed.saw(placeholder(2, 4), "n3")).rule(),
        "the newest of its key, and behind the gap");
  }
}
