package io.kontiki.broker.api;

import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.record.Record;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import io.kontiki.runtime.memory.VirtualLoop;
import io.kontiki.runtime.memory.VirtualWorker;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The handlers over in-memory ports on virtual time. */
final class RequestPath {
  final SimulatedTime time = new SimulatedTime();
  final VirtualLoop control = time.newLoop("control");
  final VirtualLoop home = time.newLoop("home");
  final VirtualLoop data = time.newLoop("data");
  final VirtualWorker decoder = time.newWorker("decoder");
  final MemoryMetadata metadata;
  final MemoryPartitions partitions;
  final Map<String, Map<PartitionId, Long>> commits = new TreeMap<>();
  final CommittedOffsets committed = this::committed;
  final RecordProduce produce;
  final RecordRead read;
  final OffsetListing offsets;
  final ProducerIds thinIds;

  RequestPath(int brokers) {
    metadata = MemoryMetadata.cluster(control, brokers);
    partitions = new MemoryPartitions(data, metadata);
    produce =
        new RecordProduce(
            metadata, partitions, new SeededRandom(1), TopicSettings::maxMessageBytes);
    read = new RecordRead(metadata, partitions, committed, decoder, 64 << 20);
    offsets = new OffsetListing(metadata, partitions, committed);
    thinIds = new ProducerIds(metadata, control, true);
    time.runUntilIdle();
  }

  private void committed(
      CallContext call,
      String group,
      SortedSet<PartitionId> wanted,
      Completion<Result<SortedMap<PartitionId, CommittedOffsets.At>>> completion) {
    Map<PartitionId, Long> offsets = commits.get(group);
    if (offsets == null) {
      completion.complete(
          Result.error(ApiError.definite(ErrorReason.GROUP_NOT_FOUND, "no group " + group)));
      return;
    }
    SortedMap<PartitionId, CommittedOffsets.At> found = new TreeMap<>();
    offsets.forEach(
        (id, offset) -> {
          if (wanted.contains(id)) {
            found.put(id, new CommittedOffsets.At(offset, 0));
          }
        });
    completion.complete(Result.ok(found));
  }

  PartitionId partition(TopicId topic, int number) {
    return new PartitionId(topic, number);
  }

  /** Calls on the home loop, with 10 s to answer, and lets time pass until there is an answer. */
  <T> T call(java.util.function.BiConsumer<CallContext, Completion<T>> call) {
    List<T> answers = new ArrayList<>();
    home.run(
        () ->
            call.accept(
                CallContext.within(home, 10_000_000_000L),
                answer -> {
                  if (!home.inLoop()) {
                    throw new AssertionError("answered on another loop");
                  }
                  answers.add(answer);
                }));
    time.runUntil(() -> !answers.isEmpty(), 60_000_000_000L);
    time.runUntilIdle();
    if (answers.size() != 1) {
      throw new AssertionError(answers.size() + " answers: " + answers);
    }
    return answers.get(0);
  }

  ProduceAnswer produce(ProduceRequest request) {
    return this.<ProduceAnswer>call((call, done) -> produce.produce(call, request, done));
  }

  static ProduceRequest request(String topic, Record... records) {
    return new ProduceRequest(topic, ProduceRequest.BY_KEY, List.of(records), Acks.ALL, -1, 0);
  }

  static Record record(@Nullable String key, String value) {
    return new Record(
        0,
        ProduceRequest.NO_TIMESTAMP,
        key == null ? null : key.getBytes(StandardCharsets.UTF_8),
        value.getBytes(StandardCharsets.UTF_8),
        List.of());
  }

  static String text(byte @Nullable [] bytes) {
    return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
  }

  static ApiError error(ProduceAnswer answer) {
    if (answer instanceof ProduceAnswer.Failed failed) {
      return failed.error();
    }
    throw new AssertionError("no failure: " + answer);
  }

  static <T> ApiError error(Result<T> result) {
    return result.fold(
        value -> {
          throw new AssertionError("no failure: " + value);
        },
        error -> error);
  }

  static <T> T ok(Result<T> result) {
    return result.fold(
        value -> value,
        error -> {
          throw new AssertionError(error.toString());
        });
  }

  /** Collects what a read gives. */
  static final class Reading implements RecordRead.Sink {
    final List<RecordChunk> chunks = new ArrayList<>();
    final List<String> values = new ArrayList<>();
    boolean ready = true;
    Consumer<RecordChunk> onChunk = chunk -> {};
    int heartbeats;
    int ends;
    @Nullable ApiError failure;

    @Override
    public boolean ready() {
      return ready;
    }

    @Override
    public void records(String topic, RecordChunk chunk) {
      chunks.add(chunk);
      chunk.records().forEach(record -> values.add(text(record.value())));
      onChunk.accept(chunk);
    }

    @Override
    public void heartbeat() {
      heartbeats++;
    }

    @Override
    public void end() {
      ends++;
    }

    @Override
    public void failed(ApiError error) {
      if (failure != null) {
        throw new AssertionError("failed twice: " + failure + ", " + error);
      }
      failure = error;
    }
  }
}
