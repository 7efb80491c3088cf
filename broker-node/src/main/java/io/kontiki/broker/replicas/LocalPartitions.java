package io.kontiki.broker.replicas;

import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.ReplicaSizes;
import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.broker.partition.Partition;
import io.kontiki.broker.partition.PartitionAssignment;
import io.kontiki.broker.partition.Requests;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * This broker's own partitions as a front door sees them: finds the loop, checks the batch, and
 * says who leads where this broker does not. Thread-safe.
 */
public final class LocalPartitions implements PartitionRequests, ReplicaSizes {
  private final int brokerId;
  private final Metadata metadata;
  private final List<EventLoop> loops;
  private final List<LoopPartitions> partitions;
  private final ToIntFunction<PartitionId> loopIndex;
  private final Traffic traffic;

  /** Told on the loops of what clients bring and take; cheap; never throws. */
  public interface Traffic {
    /** A leader here has appended, as the acks demand; a recognised repetition counts again. */
    void onAppended(String topic, int records, long bytes);

    /** A leader here has answered a fetch with so many bytes, at least 1. */
    void onFetched(String topic, long bytes);
  }

  /**
   * @param loops of the data, and their partitions in the same order
   * @param loopIndex which of them a partition lives on
   * @param traffic told of appends and fetches
   */
  public LocalPartitions(
      int brokerId,
      Metadata metadata,
      List<EventLoop> loops,
      List<LoopPartitions> partitions,
      ToIntFunction<PartitionId> loopIndex,
      Traffic traffic) {
    this.brokerId = brokerId;
    this.metadata = metadata;
    this.loops = List.copyOf(loops);
    this.partitions = List.copyOf(partitions);
    this.loopIndex = loopIndex;
    this.traffic = traffic;
  }

  @Override
  public void sizes(EventLoop home, Completion<List<Size>> completion) {
    Gather.<List<Size>>all(
        home,
        loops.size(),
        i -> List.of(),
        (i, answer) ->
            loops
                .get(i)
                .execute(
                    () ->
                        answer.complete(
                            partitions.get(i).partitions().stream()
                                .map(LocalPartitions::size)
                                .toList())),
        answers -> completion.complete(answers.stream().flatMap(List::stream).toList()));
  }

  private static Size size(Partition partition) {
    long lag = Math.max(0, partition.highWatermark() - partition.logEndOffset());
    return new Size(partition.assignment().id(), partition.sizeBytes(), lag);
  }

  @Override
  public void append(Append request, Completion<AppendAnswer> completion) {
    with(
        request.partition(),
        error -> completion.complete(new AppendAnswer.Failed(error, hint(request.partition()))),
        partition -> append(partition, request, completion));
  }

  private void append(Partition partition, Append request, Completion<AppendAnswer> completion) {
    long sizeBytes = request.batch().remaining();
    partition.append(
        new Requests.Append(
            request.leaderEpoch(), request.acks(), request.batch(), request.deadlineNanos()),
        result ->
            completion.complete(
                result.fold(
                    done -> appended(partition, request.acks(), done, sizeBytes),
                    error -> new AppendAnswer.Failed(error, hint(error, request.partition())))));
  }

  private AppendAnswer appended(
      Partition partition, Acks acks, Requests.Appended done, long sizeBytes) {
    int records = (int) (done.lastOffset() - done.baseOffset() + 1);
    traffic.onAppended(partition.assignment().topic(), records, sizeBytes);
    return new AppendAnswer.Appended(
        acks == Acks.NONE ? -1 : done.baseOffset(),
        done.appendTimeMs(),
        done.logStartOffset(),
        done.highWatermark(),
        done.leaderEpoch(),
        partition.assignment().durability());
  }

  @Override
  public void fetch(Fetch request, Completion<FetchAnswer> completion) {
    with(
        request.partition(),
        error ->
            completion.complete(new FetchAnswer.Failed(error, hint(request.partition()), null)),
        partition ->
            partition.read(
                new Requests.Read(
                    request.leaderEpoch(),
                    request.offset(),
                    request.lastReadEpoch(),
                    request.maxBytes(),
                    request.minBytes(),
                    request.deadlineNanos(),
                    request.forSending()),
                answer -> completion.complete(fetched(answer, partition.assignment()))));
  }

  private FetchAnswer fetched(Requests.ReadAnswer answer, PartitionAssignment partition) {
    if (answer instanceof Requests.ReadAnswer.Records records) {
      if (records.bytes() > 0) {
        traffic.onFetched(partition.topic(), records.bytes());
      }
      return new FetchAnswer.Fetched(
          records.batches(),
          records.bytes(),
          records.nextOffset(),
          records.logStartOffset(),
          records.highWatermark(),
          records.leaderEpoch(),
          records.range());
    }
    Requests.ReadAnswer.Failed failed = (Requests.ReadAnswer.Failed) answer;
    Requests.Divergence parts = failed.divergence();
    return new FetchAnswer.Failed(
        failed.error(),
        hint(failed.error(), partition.id()),
        parts == null ? null : new Divergence(parts.leaderEpoch(), parts.endOffset()));
  }

  @Override
  public void listOffset(ListOffset request, Completion<OffsetAnswer> completion) {
    with(
        request.partition(),
        error -> completion.complete(new OffsetAnswer.Failed(error, hint(request.partition()))),
        partition ->
            partition.listOffset(
                Requests.ANY_EPOCH,
                query(request.query()),
                result ->
                    completion.complete(
                        result.fold(
                            found ->
                                new OffsetAnswer.Found(
                                    found.offset(), found.timestampMs(), found.leaderEpoch()),
                            error ->
                                new OffsetAnswer.Failed(
                                    error, hint(error, request.partition()))))));
  }

  @Override
  public void deleteRecords(DeleteRecords request, Completion<OffsetAnswer> completion) {
    with(
        request.partition(),
        error -> completion.complete(new OffsetAnswer.Failed(error, hint(request.partition()))),
        partition ->
            partition.deleteRecords(
                request.before(),
                request.deadlineNanos(),
                result ->
                    completion.complete(
                        result.fold(
                            start -> new OffsetAnswer.Found(start, -1, -1),
                            error ->
                                new OffsetAnswer.Failed(
                                    error, hint(error, request.partition()))))));
  }

  private static Requests.OffsetQuery query(OffsetQuery query) {
    if (query instanceof OffsetQuery.AtTime time) {
      return new Requests.OffsetQuery.AtTime(time.timestampMs());
    }
    return query instanceof OffsetQuery.Earliest
        ? new Requests.OffsetQuery.Earliest()
        : new Requests.OffsetQuery.Latest();
  }

  @Override
  public void describe(PartitionId id, long deadlineNanos, Completion<Description> completion) {
    with(
        id,
        error -> completion.complete(new Description(id, false, 0, -1)),
        partition -> {
          Requests.Description described = partition.describe();
          completion.complete(
              new Description(
                  id,
                  described.leading() && described.logStartOffset() >= 0,
                  described.logStartOffset(),
                  described.highWatermark()));
        });
  }

  private void with(PartitionId id, Consumer<ApiError> absent, Consumer<Partition> present) {
    int index = loopIndex.applyAsInt(id);
    EventLoop loop = loops.get(index);
    Runnable task =
        () -> {
          Partition partition = partitions.get(index).partition(id);
          if (partition == null) {
            absent.accept(notHere(id));
          } else {
            present.accept(partition);
          }
        };
    if (loop.inLoop()) {
      task.run();
    } else {
      loop.execute(task);
    }
  }

  private ApiError notHere(PartitionId id) {
    ClusterImage image = metadata.image();
    TopicImage topic = image.topics().get(id.topicId());
    if (topic == null) {
      return ApiError.definite(
              ErrorReason.TOPIC_NOT_FOUND, "no topic with the id " + id.topicId() + " exists")
          .with("topicId", id.topicId());
    }
    PartitionImage partition = image.partition(id);
    if (partition == null) {
      return ApiError.definite(
              ErrorReason.PARTITION_NOT_FOUND,
              "topic " + topic.name() + " has no partition " + id.partition())
          .with("topic", topic.name())
          .with("partition", id.partition())
          .with("partitionCount", topic.partitions().size());
    }
    return ApiError.definite(
            ErrorReason.NOT_LEADER,
            "broker " + brokerId + " does not lead " + topic.name() + "-" + id.partition())
        .with("leader", partition.leader());
  }

  private @Nullable LeaderHint hint(ApiError error, PartitionId id) {
    return error.reason() == ErrorReason.NOT_LEADER
            || error.reason() == ErrorReason.FENCED_LEADER_EPOCH
        ? hint(id)
        : null;
  }

  private @Nullable LeaderHint hint(PartitionId id) {
    ClusterImage image = metadata.image();
    PartitionImage state = image.partition(id);
    if (state == null) {
      return null;
    }
    BrokerImage leader = image.brokers().get(state.leader());
    return leader == null
        ? null
        : new LeaderHint(leader.id(), leader.endpoints().grpc(), state.leaderEpoch());
  }
}
