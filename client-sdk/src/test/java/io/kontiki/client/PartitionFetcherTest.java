package io.kontiki.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.client.PartitionFetcher.Message;
import io.kontiki.client.PartitionFetcher.Next;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PartitionFetcherTest {
  private static final long MS = 1_000_000;

  private final PartitionFetcher fetcher = new PartitionFetcher(new SeededRandom(1));
  private long now;

  @BeforeEach
  void start() {
    fetcher.seek(10, 1);
    fetcher.onLeader(leader(1), 1);
    fetcher.onStarted(1, 1);
  }

  @Test
  void aNewLeaderIsAskedAtOnceForWhatComesNext() {
    assertEquals(Next.DELIVER, fetcher.onMessage(records(20, 1), now));
    fetcher.onLeader(leader(2), 2);
    assertTrue(fetcher.wantsStart(now));
    assertEquals(20, fetcher.position(), "promise P6");
    assertEquals(1, fetcher.lastReadEpoch());
    fetcher.onLeader(leader(1), 1);
    assertEquals(2, fetcher.leader().epoch(), "older news are ignored");
  }

  @Test
  void aBrokenStreamIsBegunAnewAfterAShortPause() {
    fetcher.onStreamEnded(1, now);
    assertFalse(fetcher.wantsStart(now));
    assertTrue(fetcher.wakeAtNanos(now) - now <= 10 * MS);
    assertTrue(fetcher.wantsStart(now + 10 * MS));
  }

  @Test
  void anAnswerThatGoesBackIsNotTaken() {
    fetcher.onMessage(records(20, 1), now);
    assertEquals(Next.NOTHING, fetcher.onMessage(records(15, 1), now));
    assertEquals(20, fetcher.position());
    assertFalse(fetcher.isRunning());
  }

  @Test
  void whatComesWithoutRecordsMovesThePosition() {
    Message compactedAway = new Message(30, -1, false, null, null, OptionalLong.empty(), 0);
    assertEquals(Next.DELIVER, fetcher.onMessage(compactedAway, now));
    assertEquals(30, fetcher.position());
    assertEquals(Next.NOTHING, fetcher.onMessage(compactedAway, now), "a heartbeat");
  }

  @Test
  void outOfRangeWaitsForADecisionAndATruncationSaysWhereTheLogsPart() {
    Message outside = failure(ErrorReason.OFFSET_OUT_OF_RANGE, OptionalLong.empty());
    assertEquals(Next.OUT_OF_RANGE, fetcher.onMessage(outside, now));
    assertFalse(fetcher.wantsStart(now), "promise P10: nothing moves by itself");
    fetcher.reposition(50);
    assertTrue(fetcher.wantsStart(now));
    fetcher.onStarted(2, 1);
    Message cut = failure(ErrorReason.LOG_TRUNCATED, OptionalLong.of(45));
    assertEquals(Next.TRUNCATED, fetcher.onMessage(cut, now));
    assertEquals(OptionalLong.of(45), fetcher.divergence());
  }

  @Test
  void bytesThatWereSoughtAwayFromCountNoMore() {
    fetcher.onMessage(records(20, 1), now);
    assertEquals(100, fetcher.bufferedBytes());
    fetcher.onConsumed(40, 1);
    assertEquals(60, fetcher.bufferedBytes());
    fetcher.seek(5, 2);
    assertEquals(0, fetcher.bufferedBytes());
    fetcher.onConsumed(60, 1);
    assertEquals(0, fetcher.bufferedBytes());
    assertEquals(-1, fetcher.lastReadEpoch(), "nothing before 5 was read");
  }

  private static Message records(long next, int epoch) {
    return new Message(next, epoch, false, null, null, OptionalLong.empty(), 100);
  }

  private static Message failure(ErrorReason reason, OptionalLong divergence) {
    return new Message(0, -1, true, ApiError.definite(reason, "no"), null, divergence, 0);
  }

  private static Leader leader(int epoch) {
    return new Leader(epoch, new Endpoint("b" + epoch, 1), epoch);
  }
}
