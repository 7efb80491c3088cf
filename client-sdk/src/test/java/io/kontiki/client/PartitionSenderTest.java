package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.client.PartitionSender.Attempt;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PartitionSenderTest {
  private static final long MS = 1_000_000;

  private final List<String> outcomes = new ArrayList<>();
  private long attempts;
  private long now;
  private final PartitionSender sender = sender(true, 0, 100);

  @Test
  void theFirstBatchOfAnEpochGoesAloneAndThenFiveAreOnTheirWay() {
    lead(1);
    add(8);
    Attempt first = next();
    assertEquals(0, RecordBatch.at(first.batch()).baseSequence());
    assertNull(next(), "rule I3");
    sender.onAppended(first.id(), 0, -1);
    for (int i = 1; i <= 5; i++) {
      assertEquals(i, RecordBatch.at(next().batch()).baseSequence());
    }
    assertNull(next(), "five at most");
  }

  @Test
  void aLostAnswerBringsTheSameBatchAgainToTheNewLeader() {
    lead(1);
    add(1);
    Attempt lost = next();
    lead(2);
    Attempt again = next();
    assertEquals(2, again.leader().epoch());
    assertEquals(lost.batch(), again.batch(), "rule I5: same id, epoch and sequence");
    sender.onAppended(again.id(), 7, -1);
    assertEquals(List.of("0@7"), outcomes);
  }

  @Test
  void theLateAnswerOfTheOldLeaderCounts() {
    lead(1);
    add(1);
    Attempt first = next();
    lead(2);
    assertNotNull(next());
    sender.onAppended(first.id(), 3, -1);
    assertEquals(List.of("0@3"), outcomes);
    assertTrue(sender.isIdle());
  }

  @Test
  void aHintIsFollowedAtOnceAndWithoutOneThereIsAShortPause() {
    lead(1);
    add(1);
    ApiError notLeader = ApiError.definite(ErrorReason.NOT_LEADER, "not here");
    sender.onRefused(next().id(), notLeader, leader(2), now);
    Attempt second = next();
    assertEquals(2, second.leader().epoch());
    sender.onRefused(second.id(), notLeader, null, now);
    assertNull(next());
    assertTrue(sender.wakeAtNanos(now) - now <= 10 * MS);
    now += 10 * MS;
    assertNotNull(next());
  }

  @Test
  void anUnknownOutcomeWithAHintGoesToTheNewLeaderAtOnceWithTheSameSequence() {
    lead(1);
    add(1);
    Attempt first = next();
    ApiError lost = ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "leadership lost");
    sender.onRefused(first.id(), lost, leader(2), now);
    Attempt second = next();
    assertEquals(2, second.leader().epoch());
    assertEquals(
        RecordBatch.at(first.batch()).baseSequence(),
        RecordBatch.at(second.batch()).baseSequence(),
        "rule I5");
  }

  @Test
  void aDefiniteRefusalFailsDefinitelyAndTheEpochGoesUp() {
    lead(1);
    add(1);
    sender.onRefused(next().id(), ApiError.definite(ErrorReason.INVALID_BATCH, "bad"), null, now);
    assertEquals(List.of("0 failed INVALID_BATCH definite"), outcomes);
    add(1);
    RecordBatch next = RecordBatch.at(next().batch());
    assertEquals(1, next.producerEpoch(), "rule I5");
    assertEquals(0, next.baseSequence());
  }

  @Test
  void aRefusalAfterALostAnswerIsNoProofThatNothingIsStored() {
    lead(1);
    add(1);
    assertNotNull(next());
    sender.onStreamEnded(1, now, true);
    now += 20 * MS;
    sender.onRefused(next().id(), ApiError.definite(ErrorReason.INVALID_BATCH, "bad"), null, now);
    assertEquals(List.of("0 failed OUTCOME_UNKNOWN unknown"), outcomes, "promise P4");
  }

  @Test
  void theDeadlineIsDefiniteForWhatNeverLeftAndUnknownForWhatDid() {
    add(1);
    now += 500 * MS;
    sender.expire(now);
    assertEquals(List.of("0 failed LEADER_UNAVAILABLE definite"), outcomes);
    outcomes.clear();
    lead(1);
    add(1);
    assertNotNull(next());
    now += 500 * MS;
    sender.expire(now);
    assertEquals(List.of("1 failed OUTCOME_UNKNOWN unknown"), outcomes);
  }

  @Test
  void aBatchThatIsTooLargeIsHalvedUntilItFits() {
    PartitionSender roomy = sender(true, 0, 10_000);
    roomy.onProducerId(5);
    roomy.onLeader(leader(1), 1);
    for (int i = 0; i < 4; i++) {
      roomy.add(record(), now);
    }
    ApiError tooLarge =
        ApiError.definite(ErrorReason.RECORD_TOO_LARGE, "too large").with("limitBytes", 200);
    roomy.onRefused(roomy.nextToSend(now, 1).id(), tooLarge, null, now);
    int appended = 0;
    for (Attempt a = roomy.nextToSend(now, 1); a != null; a = roomy.nextToSend(now, 1)) {
      assertEquals(2, RecordBatch.at(a.batch()).recordCount());
      roomy.onAppended(a.id(), appended, -1);
      appended += 2;
    }
    assertEquals(List.of("0@0", "1@1", "2@2", "3@3"), outcomes);
  }

  @Test
  void withLingerABatchWaitsForMoreUntilItIsFullSealedOrOld() {
    PartitionSender patient = sender(true, 5 * MS, 200);
    patient.onProducerId(5);
    patient.onLeader(leader(1), 1);
    patient.add(record(), now);
    assertNull(patient.nextToSend(now, 1));
    assertEquals(5 * MS, patient.wakeAtNanos(now) - now);
    patient.seal();
    Attempt first = patient.nextToSend(now, 1);
    patient.onAppended(first.id(), 0, -1);
    patient.add(record(), now);
    assertNull(patient.nextToSend(now, 1));
    assertNotNull(patient.nextToSend(now + 5 * MS, 1));
  }

  @Test
  void withoutIdempotenceOneBatchIsOnItsWay() {
    PartitionSender plain = sender(false, 0, 100);
    plain.onLeader(leader(1), 1);
    plain.add(record(), now);
    plain.add(record(), now);
    assertFalse(plain.needsProducerId());
    Attempt first = plain.nextToSend(now, 1);
    assertEquals(-1, RecordBatch.at(first.batch()).producerId());
    assertNull(plain.nextToSend(now, 1), "promise P5");
    plain.onAppended(first.id(), 0, -1);
    assertNotNull(plain.nextToSend(now, 1));
  }

  @Test
  void aForgottenProducerGetsANewIdAndNothingIsLost() {
    lead(1);
    add(2);
    sender.onAppended(next().id(), 0, -1);
    ApiError unknown = ApiError.definite(ErrorReason.UNKNOWN_PRODUCER_ID, "who?");
    sender.onRefused(next().id(), unknown, null, now);
    assertNull(next());
    assertTrue(sender.needsProducerId());
    assertEquals(5, sender.refusedProducerId());
    sender.onProducerId(6);
    Attempt again = next();
    assertEquals(6, RecordBatch.at(again.batch()).producerId());
    assertEquals(0, RecordBatch.at(again.batch()).baseSequence());
  }

  private PartitionSender sender(boolean idempotent, long lingerNanos, int batchBytes) {
    return new PartitionSender(
        0,
        new SenderSettings(Compression.NONE, idempotent, lingerNanos, batchBytes, 5, 1000),
        () -> ++attempts,
        new SeededRandom(1));
  }

  private void lead(int epoch) {
    if (epoch == 1) {
      sender.onProducerId(5);
    }
    sender.onLeader(leader(epoch), epoch);
  }

  private static Leader leader(int epoch) {
    return new Leader(epoch, new Endpoint("b" + epoch, 1), epoch);
  }

  private void add(int records) {
    for (int i = 0; i < records; i++) {
      sender.add(record(), now);
    }
  }

  private int numbers;

  private PendingRecord record() {
    int number = numbers++;
    // Two of them do not fit into 100 bytes.
    byte[] value = ByteBuffer.allocate(30).putInt(number).array();
    ProducerRecord record = ProducerRecord.of("t", null, value);
    return new PendingRecord(
        record,
        1,
        PendingRecord.sizeOf(record),
        now + 500 * MS,
        new PendingRecord.Outcome() {
          @Override
          public void acknowledged(int partition, long offset, long timestampMs) {
            outcomes.add(number + "@" + offset);
          }

          @Override
          public void failed(ApiError error) {
            String sure = error.definite() ? "definite" : "unknown";
            outcomes.add(number + " failed " + error.reason() + " " + sure);
          }
        });
  }

  private Attempt next() {
    return sender.nextToSend(now, 1);
  }
}
