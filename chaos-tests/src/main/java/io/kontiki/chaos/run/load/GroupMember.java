package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.History;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.GroupConsumer;
import io.kontiki.client.GroupConsumerOptions;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.OffsetAndMetadata;
import io.kontiki.client.RebalanceListener;
import io.kontiki.client.TopicPartition;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A member of a group that commits now and then, and goes and comes again: often in order, at times
 * without a commit of what it was given and without an answer.
 */
final class GroupMember extends Worker {
  private static final Duration POLL = Duration.ofMillis(50);
  private static final Duration CLOSE = Duration.ofSeconds(20);
  private static final int LEAST_POLLS = 400;
  private static final int MORE_POLLS = 800;

  /** One life of so many ends in disorder. */
  private static final int ONE_IN_DIES = 3;

  private final String group;
  private final KontikiClient client;
  private final Set<String> topics;
  private final Random random;
  private final History history;
  private final Coverage coverage;

  GroupMember(
      String group,
      String name,
      KontikiClient client,
      Set<String> topics,
      long seed,
      History history,
      Coverage coverage) {
    super(name);
    this.group = group;
    this.client = client;
    this.topics = topics;
    this.random = new Random(seed);
    this.history = history;
    this.coverage = coverage;
  }

  @Override
  void work() {
    for (int life = 1; !stopping(); life++) {
      new Life(name() + "." + life).run();
    }
  }

  /** One membership. */
  private final class Life implements RebalanceListener {
    private final MemberNotes notes;
    private final GroupConsumer consumer;

    /** Of those that are about to go: everything that was polled is committed. */
    private final Set<TopicPartition> settled = new TreeSet<>();

    private boolean dying;

    Life(String member) {
      this.notes = new MemberNotes(group, member, history, coverage);
      this.consumer =
          client.newGroupConsumer(
              GroupConsumerOptions.of(group).withManualCommit().withClientId(member));
    }

    void run() {
      boolean dies = random.nextInt(ONE_IN_DIES) == 0;
      int polls = LEAST_POLLS + random.nextInt(MORE_POLLS);
      try {
        consumer.subscribe(topics, this);
        for (int poll = 0; poll < polls && !stopping(); poll++) {
          note(consumer.poll(POLL));
          if (random.nextInt(4) == 0) {
            commit(consumer.assignment());
          }
        }
      } catch (KontikiException e) {
        surprise("a member cannot go on: " + e.getMessage());
      } finally {
        dying = dies;
        consumer.close(dies ? Duration.ZERO : CLOSE);
      }
    }

    private void note(List<ConsumerRecord> records) {
      Map<TopicPartition, long[]> ranges = new TreeMap<>();
      for (ConsumerRecord record : records) {
        TopicPartition key = new TopicPartition(record.topic(), record.partition());
        long[] range =
            ranges.computeIfAbsent(key, any -> new long[] {record.offset(), record.offset()});
        if (record.offset() != range[1]) {
          notes.delivered(key.topic(), key.partition(), range[0], range[1]);
          range[0] = record.offset();
        }
        range[1] = record.offset() + 1;
      }
      ranges.forEach(
          (key, range) -> notes.delivered(key.topic(), key.partition(), range[0], range[1]));
    }

    /** What was polled of these; returns whether it is stored. */
    private boolean commit(Collection<TopicPartition> partitions) {
      Map<TopicPartition, OffsetAndMetadata> offsets = new TreeMap<>();
      for (TopicPartition key : partitions) {
        consumer
            .position(key)
            .ifPresent(position -> offsets.put(key, new OffsetAndMetadata(position)));
      }
      offsets.forEach(
          (key, what) -> notes.commitAsked(key.topic(), key.partition(), what.offset()));
      try {
        consumer.commit(offsets);
      } catch (KontikiException e) {
        return false; // perhaps in part
      }
      offsets.forEach(
          (key, what) -> notes.commitStored(key.topic(), key.partition(), what.offset()));
      return true;
    }

    @Override
    public void onAssigned(Map<TopicPartition, Long> partitions) {
      partitions.forEach(
          (key, offset) ->
              notes.assigned(key.topic(), key.partition(), consumer.generation(), offset));
    }

    @Override
    public void onRevoking(Collection<TopicPartition> partitions, Duration timeLeft) {
      if (!dying && commit(partitions)) {
        settled.addAll(partitions);
      }
    }

    @Override
    public void onRevoked(Collection<TopicPartition> partitions, Reason reason) {
      for (TopicPartition key : partitions) {
        boolean inOrder = reason == Reason.REBALANCE || reason == Reason.LEFT;
        if (settled.remove(key) && inOrder) {
          notes.givenUp(key.topic(), key.partition());
        }
      }
    }
  }
}
