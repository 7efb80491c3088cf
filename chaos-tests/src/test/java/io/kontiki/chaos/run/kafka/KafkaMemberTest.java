package io.kontiki.chaos.run.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

/** What a member tells, in which order. */
final class KafkaMemberTest {
  private static final TopicPartition P = new TopicPartition("t", 0);
  private static final TopicPartition Q = new TopicPartition("t", 1);

  private boolean refusesCommits;
  private final MockConsumer<byte[], byte[]> consumer =
      new MockConsumer<>(OffsetResetStrategy.EARLIEST) {
        @Override
        public synchronized void commitSync(
            Map<TopicPartition, OffsetAndMetadata> offsets, Duration timeout) {
          if (refusesCommits) {
            throw new RebalanceInProgressException();
          }
          super.commitSync(offsets, timeout);
        }
      };
  private final List<String> told = new ArrayList<>();
  private final KafkaMember member = new KafkaMember(consumer, List.of("t"), new Told());

  private final class Told implements KafkaMember.Notes {
    @Override
    public void assigned(String topic, int partition, int generation, long offset) {
      told.add("assigned " + partition + " at " + offset + " in " + generation);
    }

    @Override
    public void delivered(String topic, int partition, long from, long to) {
      told.add("delivered " + partition + ": " + from + " to " + to);
    }

    @Override
    public void commitAsked(String topic, int partition, long offset) {
      told.add("asked " + partition + ": " + offset);
    }

    @Override
    public void commitStored(String topic, int partition, long offset) {
      told.add("stored " + partition + ": " + offset);
    }

    @Override
    public void givenUp(String topic, int partition) {
      told.add("given up " + partition);
    }
  }

  private void come(TopicPartition... partitions) {
    consumer.updateBeginningOffsets(Map.of(P, 0L, Q, 0L));
    consumer.rebalance(Set.of(partitions));
  }

  private void store(TopicPartition key, long... offsets) {
    for (long offset : offsets) {
      consumer.addRecord(
          new ConsumerRecord<>(key.topic(), key.partition(), offset, new byte[0], new byte[0]));
    }
  }

  private void poll() {
    assertEquals("", member.poll(Duration.ofMillis(1)));
  }

  @Test
  void aPartitionBeginsWithItsFirstRecordOrWhereItStandsWithoutAny() {
    come(P, Q);
    store(P, 3, 4, 5);
    consumer.seek(P, 3);
    poll();
    assertEquals(
        List.of("assigned 0 at 3 in 1", "delivered 0: 3 to 6", "assigned 1 at 0 in 1"), told);
  }

  @Test
  void aHoleBetweenRecordsIsNotHidden() {
    come(P);
    store(P, 0, 1, 3);
    poll();
    assertEquals(
        List.of("assigned 0 at 0 in 1", "delivered 0: 0 to 2", "delivered 0: 3 to 4"), told);
  }

  @Test
  void whatGoesIsCommittedFirstAndOnlyThenGivenUp() {
    come(P);
    store(P, 0, 1);
    poll();
    told.clear();
    come();
    assertEquals(List.of("asked 0: 2", "stored 0: 2", "given up 0"), told);
  }

  @Test
  void aCommitThatFailsIsNoneThatIsStoredAndNothingIsGivenUpAfterIt() {
    come(P);
    store(P, 0, 1);
    poll();
    told.clear();
    refusesCommits = true;
    assertFalse(member.commit());
    come();
    assertEquals(List.of("asked 0: 2", "asked 0: 2"), told);
  }

  @Test
  void whatPassesIsNoFailureAndAnythingElseIs() {
    consumer.setPollException(new TimeoutException("nobody answers"));
    poll();
    consumer.setPollException(new AuthorizationException("no"));
    assertTrue(member.poll(Duration.ofMillis(1)).contains("no"));
  }
}
