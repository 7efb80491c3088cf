package io.kontiki.chaos.run.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Kafka's consumer as a member of a classic group, that is one whose members deal out the
 * partitions among themselves. It commits only when it is told to. One thread.
 */
public final class KafkaMember implements AutoCloseable {
  private static final int SESSION_MS = 10_000;
  private static final int HEARTBEAT_MS = 1_000;
  private static final int REQUEST_MS = 10_000;
  private static final Duration COMMIT = Duration.ofSeconds(10);
  private static final Duration CLOSE = Duration.ofSeconds(20);

  /** Whatever is known at once. */
  private static final Duration NOW = Duration.ofMillis(1);

  private final Consumer<byte[], byte[]> consumer;
  private final Notes notes;

  /** Of partitions whose first offset is not known yet, the generation they came in. */
  private final Map<TopicPartition, Integer> coming = new HashMap<>();

  /** Those whose first offset is. */
  private final Set<TopicPartition> held = new HashSet<>();

  /** How the members of a group agree. */
  public enum Protocol {
    /** Each rebalance takes everything from everybody first. */
    EAGER,
    /** Only what moves is taken. */
    COOPERATIVE
  }

  /** Takes what happens, in its order; on the thread that calls. */
  public interface Notes {
    /** A partition came, in a generation of the group, and begins at an offset. */
    void assigned(String topic, int partition, int generation, long offset);

    /** Records from one offset up to another, the second exclusive. */
    void delivered(String topic, int partition, long from, long to);

    /** Is about to ask that everything below the offset count as processed. */
    void commitAsked(String topic, int partition, long offset);

    /** That was answered as stored. */
    void commitStored(String topic, int partition, long offset);

    /** A partition went, in order, with everything committed that was delivered. */
    void givenUp(String topic, int partition);
  }

  /**
   * Connects when it is polled.
   *
   * @param leaves whether it tells the group when it is closed; otherwise it is missed only when
   *     its session has passed, as if it had died
   */
  public KafkaMember(
      String bootstrap,
      String group,
      String clientId,
      Collection<String> topics,
      Protocol protocol,
      boolean leaves,
      Notes notes) {
    this(consumer(bootstrap, group, clientId, protocol, leaves), topics, notes);
  }

  KafkaMember(Consumer<byte[], byte[]> consumer, Collection<String> topics, Notes notes) {
    this.consumer = consumer;
    this.notes = notes;
    consumer.subscribe(topics, new Listener());
  }

  private static Consumer<byte[], byte[]> consumer(
      String bootstrap, String group, String clientId, Protocol protocol, boolean leaves) {
    Map<String, Object> settings = new TreeMap<>();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    settings.put(ConsumerConfig.CLIENT_ID_CONFIG, clientId);
    settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, SESSION_MS);
    settings.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, HEARTBEAT_MS);
    settings.put(ConsumerConfig.REQUEST_TIMEOUT_MS_CONFIG, REQUEST_MS);
    settings.put(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, REQUEST_MS);
    settings.put(
        ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG,
        List.of(
            protocol == Protocol.EAGER ? RangeAssignor.class : CooperativeStickyAssignor.class));
    // Not among its documented settings; Kafka's own stream library closes its members so.
    settings.put("internal.leave.group.on.close", leaves);
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  /**
   * Takes part in the group and reads what is there.
   *
   * @return what a member should not meet; empty if nothing
   */
  public String poll(Duration timeout) {
    try {
      ConsumerRecords<byte[], byte[]> records = consumer.poll(timeout);
      for (TopicPartition key : records.partitions()) {
        note(key, records.records(key));
      }
      begin();
      return "";
    } catch (RetriableException e) {
      return "";
    } catch (KafkaException e) {
      return e.toString();
    }
  }

  private void note(TopicPartition key, List<ConsumerRecord<byte[], byte[]>> records) {
    long from = records.get(0).offset();
    begin(key, from);
    long next = from;
    for (ConsumerRecord<byte[], byte[]> record : records) {
      if (record.offset() != next) {
        notes.delivered(key.topic(), key.partition(), from, next);
        from = record.offset();
      }
      next = record.offset() + 1;
    }
    notes.delivered(key.topic(), key.partition(), from, next);
  }

  private void begin(TopicPartition key, long offset) {
    Integer generation = coming.remove(key);
    if (generation != null) {
      held.add(key);
      notes.assigned(key.topic(), key.partition(), generation, offset);
    }
  }

  /** What came and has no records: where it begins is known once the group's commits are. */
  private void begin() {
    for (TopicPartition key : List.copyOf(coming.keySet())) {
      try {
        begin(key, consumer.position(key, NOW));
      } catch (RetriableException e) {
        // After one of the next polls.
      }
    }
  }

  /** Commits what was polled of all partitions; returns whether it is stored. */
  public boolean commit() {
    return commit(held);
  }

  private boolean commit(Collection<TopicPartition> partitions) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    try {
      for (TopicPartition key : partitions) {
        offsets.put(key, new OffsetAndMetadata(consumer.position(key, NOW)));
      }
      offsets.forEach(
          (key, what) -> notes.commitAsked(key.topic(), key.partition(), what.offset()));
      consumer.commitSync(offsets, COMMIT);
    } catch (KafkaException e) {
      return false; // perhaps in part
    }
    offsets.forEach((key, what) -> notes.commitStored(key.topic(), key.partition(), what.offset()));
    return true;
  }

  /** Gives everything up in order, unless it was made not to. */
  @Override
  public void close() {
    try {
      consumer.close(CLOSE);
    } catch (KafkaException e) {
      // Its session ends it.
    }
  }

  private final class Listener implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      int generation = consumer.groupMetadata().generationId();
      partitions.forEach(key -> coming.put(key, generation));
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      Set<TopicPartition> going = new HashSet<>(partitions);
      going.retainAll(held);
      if (commit(going)) {
        going.forEach(key -> notes.givenUp(key.topic(), key.partition()));
      }
      forget(partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      forget(partitions);
    }

    private void forget(Collection<TopicPartition> partitions) {
      for (TopicPartition key : partitions) {
        held.remove(key);
        coming.remove(key);
      }
    }
  }
}
