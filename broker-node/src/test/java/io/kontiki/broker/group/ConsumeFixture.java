package io.kontiki.broker.group;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.testing.MemoryGroups;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.group.Assignor;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.record.Compression;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Consume streams over in-memory partitions and the real group machine, on virtual time. */
final class ConsumeFixture {
  final SimulatedTime time;
  final VirtualLoop control;
  final VirtualLoop home;
  final VirtualLoop data;
  final VirtualWorker decoder;
  final MemoryMetadata metadata;
  final MemoryPartitions partitions;
  final MemoryGroups groups;
  final Consuming consuming;
  final Map<String, TopicId> topics = new TreeMap<>();

  ConsumeFixture() {
    time = new SimulatedTime();
    control = time.newLoop("control");
    home = time.newLoop("home");
    data = time.newLoop("data");
    decoder = time.newWorker("decoder");
    metadata = MemoryMetadata.cluster(control, 1);
    partitions = new MemoryPartitions(data, metadata);
    groups = new MemoryGroups(control, metadata);
    consuming = new Consuming(metadata, partitions, groups, decoder, 64 << 20);
    time.runUntilIdle();
  }

  TopicId topic(String name, int count) {
    TopicId id = metadata.topic(name, count, Map.of());
    topics.put(name, id);
    time.advanceMs(10);
    return id;
  }

  PartitionId id(String topic, int partition) {
    TopicId id = topics.get(topic);
    if (id == null) {
      throw new AssertionError("no topic " + topic);
    }
    return new PartitionId(id, partition);
  }

  /** Appends records {@code v<from>} to {@code v<to - 1>}, each in a batch of its own. */
  void fill(String topic, int partition, int from, int to) {
    for (int i = from; i < to; i++) {
      put(topic, partition, "v" + i);
    }
  }

  void put(String topic, int partition, String... values) {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    for (String value : values) {
      builder.append(
          time.clock().wallMs(), null, value.getBytes(StandardCharsets.UTF_8), List.of());
    }
    partitions.put(id(topic, partition), builder.build());
  }

  void ms(long ms) {
    time.advanceMs(ms);
  }

  TestClient open() {
    return new TestClient();
  }

  /** Opens a stream and joins. */
  TestClient join(Subscription subscription) {
    TestClient client = open();
    client.send(new ConsumeAction.Subscribe(subscription));
    ms(50);
    return client;
  }

  TestClient join(String group, String... topicNames) {
    return join(subscribe(group, topicNames).build());
  }

  static Wish subscribe(String group, String... topicNames) {
    Wish wish = new Wish();
    wish.group = group;
    wish.topics = List.of(topicNames);
    return wish;
  }

  /** A subscription with what a test is about. */
  static final class Wish {
    String group = "g";
    List<String> topics = List.of();
    String pattern = "";
    StartSpec startAt = new StartSpec.Earliest();
    Subscription.OutOfRange outOfRange = Subscription.OutOfRange.EARLIEST;
    long window = 1000;
    long credit;
    String memberName = "";
    String memberId = "";
    long sessionMs = 500;
    long revokeMs = 30_000;
    boolean assignmentsOnly;

    Wish with(Consumer<Wish> change) {
      change.accept(this);
      return this;
    }

    Subscription build() {
      return new Subscription(
          group,
          topics,
          pattern,
          startAt,
          outOfRange,
          window,
          credit,
          memberName,
          memberId,
          "test",
          "10.0.0.9",
          sessionMs,
          revokeMs,
          Assignor.STICKY,
          assignmentsOnly);
    }
  }

  /** A client's end of a stream: keeps what comes, sends what it is told when the session asks. */
  final class TestClient implements ConsumeSink {
    final ConsumeSession session;
    final List<ConsumeEvent> events = new ArrayList<>();
    final List<String> values = new ArrayList<>();
    private final ArrayList<ConsumeAction> unsent = new ArrayList<>();
    Consumer<ConsumeEvent> onEvent = event -> {};
    boolean ready = true;
    int ends;
    @Nullable ApiError failure;
    private int asked;

    TestClient() {
      session = home.call(() -> consuming.open(home, this));
    }

    /** Hands a message over as soon as the session takes one. */
    void send(ConsumeAction action) {
      home.execute(
          () -> {
            unsent.add(action);
            deliver();
          });
    }

    private void deliver() {
      while (asked > 0 && !unsent.isEmpty()) {
        asked--;
        session.action(unsent.remove(0));
      }
    }

    int untaken() {
      return unsent.size();
    }

    void commit(String topic, int partition, long offset) {
      send(
          new ConsumeAction.Commit(
              List.of(new Place(new Named(topic, partition), offset, -1, ""))));
    }

    void halfClose() {
      home.execute(session::halfClosed);
    }

    void breaks() {
      home.execute(session::cancelled);
    }

    void ready(boolean now) {
      home.execute(
          () -> {
            ready = now;
            if (now) {
              session.onReady();
            }
          });
    }

    <E extends ConsumeEvent> List<E> all(Class<E> type) {
      return events.stream().filter(type::isInstance).map(type::cast).toList();
    }

    <E extends ConsumeEvent> E last(Class<E> type) {
      List<E> all = all(type);
      if (all.isEmpty()) {
        throw new AssertionError("no " + type.getSimpleName() + " among " + events);
      }
      return all.get(all.size() - 1);
    }

    ApiError failure() {
      if (failure == null) {
        throw new AssertionError("the stream did not fail; " + events);
      }
      return failure;
    }

    @Override
    public boolean ready() {
      return ready;
    }

    @Override
    public void event(ConsumeEvent event) {
      if (ends > 0 || failure != null) {
        throw new AssertionError("after the end: " + event);
      }
      events.add(event);
      if (event instanceof ConsumeEvent.Records records) {
        for (Record record : records.chunk().records()) {
          byte[] value = record.value();
          values.add(value == null ? "null" : new String(value, StandardCharsets.UTF_8));
        }
      }
      onEvent.accept(event);
    }

    @Override
    public void next() {
      asked++;
      if (asked > 1) {
        throw new AssertionError("two messages at a time");
      }
      if (!unsent.isEmpty()) {
        home.execute(this::deliver);
      }
    }

    @Override
    public long silenceMs() {
      return 30_000;
    }

    @Override
    public void end() {
      ends++;
      if (ends > 1 || failure != null) {
        throw new AssertionError("ended twice");
      }
    }

    @Override
    public void failed(ApiError error) {
      if (ends > 0 || failure != null) {
        throw new AssertionError("ended twice: " + failure + ", " + error);
      }
      failure = error;
    }
  }
}
