package io.kontiki.chaos.groups;

import io.kontiki.chaos.groups.MemberLine.Kind;
import io.kontiki.client.ConsumerRecord;
import io.kontiki.client.GroupConsumer;
import io.kontiki.client.GroupConsumerOptions;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.KontikiException;
import io.kontiki.client.OffsetAndMetadata;
import io.kontiki.client.RebalanceListener;
import io.kontiki.client.TopicPartition;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A process with one member in each of some groups, each in a thread of its own. Prints what
 * happens as {@link MemberLine}s, each before or after the call that it tells of, as a history
 * wants it. Ends when its standard input does: closes its members, in order.
 */
final class MemberProgram {
  /** Shorter than a test, so that frozen members lose what must move. */
  private static final Duration REVOKE = Duration.ofSeconds(2);

  private static final Duration SESSION = Duration.ofSeconds(2);
  private static final Duration CLOSE = Duration.ofSeconds(20);

  private final KontikiClient client;
  private final String name;
  private final String topic;
  private final long seed;
  private volatile boolean stopping;

  private MemberProgram(KontikiClient client, String name, String topic, long seed) {
    this.client = client;
    this.name = name;
    this.topic = topic;
    this.seed = seed;
  }

  /** Arguments: brokers, name of the process, seed, topic, groups; one ending in -static is. */
  public static void main(String[] arguments) throws Exception {
    try (KontikiClient client = KontikiClient.connect(arguments[0])) {
      MemberProgram program =
          new MemberProgram(client, arguments[1], arguments[3], Long.parseLong(arguments[2]));
      List<Thread> threads =
          List.of(arguments).subList(4, arguments.length).stream()
              .map(group -> new Thread(() -> program.run(group), group))
              .toList();
      threads.forEach(Thread::start);
      while (System.in.read() >= 0) {}
      program.stopping = true;
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (IOException e) {
      System.exit(1);
    }
  }

  private void run(String group) {
    Random random = new Random(seed ^ group.hashCode());
    for (int life = 1; !stopping; life++) {
      new Member(group, name + "." + life, random).run();
    }
  }

  /** One membership, from joining to leaving. */
  private final class Member implements RebalanceListener {
    private final String group;
    private final String member;
    private final Random random;
    private final GroupConsumer consumer;

    /** Of those that are about to go: everything that was polled is committed. */
    private final Set<TopicPartition> settled = new TreeSet<>();

    Member(String group, String member, Random random) {
      this.group = group;
      this.member = member;
      this.random = random;
      GroupConsumerOptions options =
          GroupConsumerOptions.of(group)
              .withManualCommit()
              .withClientId(member)
              .withTimeouts(SESSION, REVOKE)
              .withBounds(64 * 1024, 50);
      consumer =
          client.newGroupConsumer(
              group.endsWith("-static") ? options.withMemberName(name) : options);
    }

    void run() {
      int polls = 100 + random.nextInt(200);
      try {
        consumer.subscribe(Set.of(topic), this);
        for (int poll = 0; poll < polls && !stopping; poll++) {
          tell(consumer.poll(Duration.ofMillis(50)));
          if (random.nextInt(3) == 0) {
            commit(consumer.assignment());
          }
        }
      } catch (KontikiException e) {
        // A static member whose name somebody else took; whoever it was goes on.
        print(Kind.ENDED, null, 0, 0);
      } finally {
        consumer.close(CLOSE);
      }
    }

    private void tell(List<ConsumerRecord> records) {
      Map<TopicPartition, long[]> ranges = new TreeMap<>();
      for (ConsumerRecord record : records) {
        TopicPartition key = new TopicPartition(record.topic(), record.partition());
        long[] range = ranges.computeIfAbsent(key, any -> new long[] {-1, record.offset()});
        if (record.offset() != range[1]) {
          print(Kind.DELIVERED, key, range[0], range[1]);
          range[0] = record.offset();
        } else if (range[0] < 0) {
          range[0] = record.offset();
        }
        range[1] = record.offset() + 1;
      }
      ranges.forEach((key, range) -> print(Kind.DELIVERED, key, range[0], range[1]));
    }

    /** What was polled of these; returns whether it is stored. */
    private boolean commit(Collection<TopicPartition> partitions) {
      Map<TopicPartition, OffsetAndMetadata> offsets = new TreeMap<>();
      for (TopicPartition key : partitions) {
        consumer
            .position(key)
            .ifPresent(position -> offsets.put(key, new OffsetAndMetadata(position)));
      }
      offsets.forEach((key, what) -> print(Kind.ASKED, key, what.offset(), 0));
      try {
        consumer.commit(offsets);
      } catch (KontikiException e) {
        return false; // perhaps in part
      }
      offsets.forEach((key, what) -> print(Kind.STORED, key, what.offset(), 0));
      return true;
    }

    @Override
    public void onAssigned(Map<TopicPartition, Long> partitions) {
      partitions.forEach((key, offset) -> print(Kind.ASSIGNED, key, consumer.generation(), offset));
    }

    @Override
    public void onRevoking(Collection<TopicPartition> partitions, Duration timeLeft) {
      if (commit(partitions)) {
        settled.addAll(partitions);
      }
    }

    @Override
    public void onRevoked(Collection<TopicPartition> partitions, Reason reason) {
      for (TopicPartition key : partitions) {
        boolean inOrder = reason == Reason.REBALANCE || reason == Reason.LEFT;
        if (settled.remove(key) && inOrder) {
          print(Kind.GIVEN_UP, key, 0, 0);
        }
      }
    }

    private void print(Kind kind, @Nullable TopicPartition key, long first, long second) {
      String line =
          new MemberLine(kind, group, member, key == null ? -1 : key.partition(), first, second)
              .toString();
      synchronized (System.out) {
        System.out.println(line);
        System.out.flush();
      }
    }
  }
}
