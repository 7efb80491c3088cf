package io.kontiki.broker.api;

import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.record.Compression;
import io.kontiki.record.Partitioner;
import io.kontiki.record.Record;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Appends records on behalf of thin clients, in two steps so that a stream can order its requests
 * in between: {@link #prepare} refuses what can be refused and makes the batches, {@link #append}
 * hands them to the partitions' leaders. Stateless; any loop.
 */
public final class RecordProduce {
  private static final short EPOCH = 0;

  private final TopicLookup lookup;
  private final PartitionRequests partitions;
  private final RandomSource random;
  private final ToIntFunction<TopicImage> maxMessageBytes;

  /**
   * @param random chooses the partition of records without key; thread-safe
   * @param maxMessageBytes the topic's {@code max.message.bytes}
   */
  public RecordProduce(
      Metadata metadata,
      PartitionRequests partitions,
      RandomSource random,
      ToIntFunction<TopicImage> maxMessageBytes) {
    this.lookup = new TopicLookup(metadata);
    this.partitions = partitions;
    this.random = random;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Both steps, for a request that stands alone. */
  public void produce(
      CallContext call, ProduceRequest request, Completion<ProduceAnswer> completion) {
    prepare(
        call,
        request,
        prepared -> {
          if (prepared instanceof Result.Ok<ProducePlan> plan) {
            append(call, plan.value(), completion);
          } else {
            completion.complete(
                new ProduceAnswer.Failed(((Result.Err<ProducePlan>) prepared).error()));
          }
        });
  }

  /** Checks a request and makes its batches. All errors are definite: nothing is appended yet. */
  public void prepare(
      CallContext call, ProduceRequest request, Completion<Result<ProducePlan>> completion) {
    ApiError bad = badRequest(request);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    lookup.partition(
        call,
        request.topic(),
        request.partition(),
        topic -> {
          if (topic instanceof Result.Err<TopicImage> missing) {
            completion.complete(Result.error(missing.error()));
            return;
          }
          TopicImage found = ((Result.Ok<TopicImage>) topic).value();
          knownProducer(
              call,
              request,
              unknown ->
                  completion.complete(
                      unknown.isEmpty()
                          ? plan(call, request, found)
                          : Result.error(unknown.get(0))));
        });
  }

  private static @Nullable ApiError badRequest(ProduceRequest request) {
    if (request.records().isEmpty()) {
      return Refusals.invalidField("records", "at least one record is needed");
    }
    for (int i = 0; i < request.records().size(); i++) {
      Record each = request.records().get(i);
      if (each.headers().size() > ProduceRequest.MAX_HEADERS) {
        return Refusals.invalidField(
            "records[" + i + "].headers",
            each.headers().size() + " headers; at most " + ProduceRequest.MAX_HEADERS);
      }
      if (each.timestampMs() < ProduceRequest.NO_TIMESTAMP) {
        return Refusals.invalidField(
            "records[" + i + "].timestamp", "lies before 1970, which a log cannot hold");
      }
    }
    if (!request.idempotent()) {
      return request.sequence() == 0
          ? null
          : Refusals.invalidField(
              "sequence", request.sequence() + " without producer_id, to which it belongs");
    }
    return request.sequence() < 0
        ? Refusals.invalidField("sequence", request.sequence() + " is negative")
        : null;
  }

  /** Answers an empty list if the producer id is none or was handed out, else the refusal (I6). */
  private void knownProducer(
      CallContext call, ProduceRequest request, Completion<List<ApiError>> completion) {
    long id = request.producerId();
    if (!request.idempotent()) {
      completion.complete(List.of());
      return;
    }
    lookup.<Boolean>confirmed(
        call,
        image ->
            (id >= ProducerIds.FIRST_THIN && ProducerIds.handedOut(image, id))
                ? Boolean.TRUE
                : null,
        image -> ProducerIds.unknown(id, true),
        "producer id " + id,
        known -> completion.complete(known.fold(yes -> List.of(), error -> List.of(error))));
  }

  private Result<ProducePlan> plan(CallContext call, ProduceRequest request, TopicImage topic) {
    long now = call.loop().clock().wallMs();
    int limit = maxMessageBytes.applyAsInt(topic);
    int forNullKeys = -1;
    SortedMap<Integer, RecordBatchBuilder> builders = new TreeMap<>();
    List<Integer> partitionOf = new ArrayList<>(request.records().size());
    for (int i = 0; i < request.records().size(); i++) {
      Record each = request.records().get(i);
      byte[] key = each.key();
      int partition;
      if (request.partition() != ProduceRequest.BY_KEY) {
        partition = request.partition();
      } else if (key != null) {
        partition = Partitioner.partition(key, topic.partitions().size());
      } else {
        if (forNullKeys < 0) {
          forNullKeys = partitionForNullKeys(request, topic);
        }
        partition = forNullKeys;
      }
      RecordBatchBuilder builder =
          builders.computeIfAbsent(
              partition, p -> new RecordBatchBuilder(Compression.NONE, expectedBytes(each)));
      long timestamp = each.timestampMs() == ProduceRequest.NO_TIMESTAMP ? now : each.timestampMs();
      builder.append(timestamp, key, each.value(), each.headers());
      if (builder.sizeBytes() > limit) {
        return Result.error(tooLarge(topic, partition, builder, limit, i));
      }
      partitionOf.add(partition);
    }
    SortedMap<Integer, ByteBuffer> batches = new TreeMap<>();
    builders.forEach(
        (partition, builder) ->
            batches.put(
                partition,
                request.idempotent()
                    ? builder.build(request.producerId(), EPOCH, request.sequence())
                    : builder.build()));
    return Result.ok(new ProducePlan(request, topic.id(), batches, List.copyOf(partitionOf)));
  }

  private static int expectedBytes(Record first) {
    return 64 + RecordBatchBuilder.sizeUpperBound(first.key(), first.value(), first.headers());
  }

  private static ApiError tooLarge(
      TopicImage topic, int partition, RecordBatchBuilder builder, int limit, int index) {
    String what =
        builder.count() == 1
            ? "record " + index + " makes a batch of "
            : "record "
                + index
                + ", the "
                + builder.count()
                + "th of the request for partition "
                + partition
                + ", makes their batch ";
    return ApiError.definite(
            ErrorReason.RECORD_TOO_LARGE,
            what
                + builder.sizeBytes()
                + " bytes; max.message.bytes of topic '"
                + topic.name()
                + "' is "
                + limit)
        .with("sizeBytes", builder.sizeBytes())
        .with("limitBytes", limit)
        .with("index", index);
  }

  /**
   * All records without key of a request go together. With a producer id the partition follows from
   * id and sequence alone, so that a repetition finds it; else it is any that has a leader now.
   */
  private int partitionForNullKeys(ProduceRequest request, TopicImage topic) {
    int count = topic.partitions().size();
    if (request.idempotent()) {
      long mixed = (request.producerId() * 31 + request.sequence()) * 0x9e3779b97f4a7c15L;
      return (int) Math.floorMod(mixed ^ (mixed >>> 32), (long) count);
    }
    int start = random.nextInt(count);
    for (int i = 0; i < count; i++) {
      int partition = (start + i) % count;
      if (topic.partitions().get(partition).leader() != PartitionImage.NO_LEADER) {
        return partition;
      }
    }
    return start;
  }

  /** Appends what was prepared, each partition's batch at its leader. */
  public void append(CallContext call, ProducePlan plan, Completion<ProduceAnswer> completion) {
    List<Integer> numbers = List.copyOf(plan.batches().keySet());
    List<ByteBuffer> batches = List.copyOf(plan.batches().values());
    AppendAnswer pending =
        new AppendAnswer.Failed(
            ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "not answered"), null);
    Gather.all(
        call.loop(),
        numbers.size(),
        i -> pending,
        (i, answer) ->
            partitions.append(
                new Append(
                    new PartitionId(plan.topicId(), numbers.get(i)),
                    -1,
                    plan.request().acks(),
                    batches.get(i),
                    call.answerByNanos(),
                    Route.FORWARD),
                answer),
        answers -> completion.complete(ProduceOutcome.of(plan, numbers, answers)));
  }
}
