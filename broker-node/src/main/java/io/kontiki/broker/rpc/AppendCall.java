package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import java.util.function.Consumer;

/**
 * One Append stream: a batch goes to its partition's loop as it came. Reads on while the bytes of
 * unanswered requests stay within their bound. All on the connection's loop.
 */
final class AppendCall implements StreamObserver<WithPayload<AppendRequest>> {
  private static final int DEFAULT_TIMEOUT_MS = 30_000;
  private static final int MAX_TIMEOUT_MS = 300_000;

  private final EventLoop loop;
  private final Metadata metadata;
  private final PartitionRequests partitions;
  private final RequestFlow<AppendResponse> flow;
  private final Budget bytes;
  private final AnswerLines<PartitionId, AppendResponse> lines;

  AppendCall(
      EventLoop loop,
      Metadata metadata,
      PartitionRequests partitions,
      ServerCallStreamObserver<AppendResponse> answers,
      StreamSlot slot,
      Budget bytes,
      int maxInFlightBytes) {
    this.loop = loop;
    this.metadata = metadata;
    this.partitions = partitions;
    this.bytes = bytes;
    this.flow = new RequestFlow<>(loop, answers, slot, maxInFlightBytes);
    this.lines = new AnswerLines<>(flow::answer);
  }

  @Override
  public void onNext(WithPayload<AppendRequest> message) {
    CallContext.onLoop(loop, () -> take(message));
  }

  private void take(WithPayload<AppendRequest> message) {
    flow.onRequest();
    AppendRequest request = message.message();
    long id = request.getCorrelationId();
    PartitionId partition;
    Acks acks;
    long timeoutMs;
    try {
      partition = PartitionMessages.partition(request.getTopicId(), request.getPartition());
      acks = LogMessages.acks(request.getAcks());
      timeoutMs = timeoutMs(request);
    } catch (BadMessage e) {
      flow.answer(PartitionMessages.refused(id, metadata.image().index(), e.error()));
      return;
    }
    Consumer<AppendResponse> answer = lines.enter(partition);
    int size = message.payloadBytes();
    ApiError refusal =
        size == 0
            ? ApiError.definite(ErrorReason.INVALID_BATCH, "no batch")
                .with("what", "field 15, records, is empty")
            : bytes.tryTake(size) ? null : bytes.busy();
    if (refusal != null) {
      answer.accept(PartitionMessages.refused(id, metadata.image().index(), refusal));
      flow.readOn(); // the refusal may have to wait for answers before it
      return;
    }
    flow.enter(size);
    Append append =
        new Append(
            partition,
            request.getLeaderEpoch(),
            acks,
            message.joined(),
            loop.clock().nanoTime() + timeoutMs * 1_000_000,
            Route.LOCAL);
    Consumer<AppendResponse> done =
        response -> {
          bytes.giveBack(size);
          flow.leave(size);
          answer.accept(response);
        };
    checkProducer(id, append, done);
    flow.readOn();
  }

  private static long timeoutMs(AppendRequest request) throws BadMessage {
    if (request.getTimeoutMs() < 0 || request.getTimeoutMs() > MAX_TIMEOUT_MS) {
      throw new BadMessage("timeout_ms", request.getTimeoutMs() + " is not 0 to " + MAX_TIMEOUT_MS);
    }
    return request.getTimeoutMs() == 0 ? DEFAULT_TIMEOUT_MS : request.getTimeoutMs();
  }

  /** An id that nobody was given is refused, once the quorum has confirmed that (rule I6). */
  private void checkProducer(long id, Append append, Consumer<AppendResponse> done) {
    ByteBuffer batch = append.batch();
    long producerId =
        batch.remaining() < RecordBatch.HEADER_BYTES
            ? RecordBatch.NO_PRODUCER_ID
            : RecordBatch.at(batch).producerId();
    if (ProducerIds.handedOut(metadata.image(), producerId)) {
      append(id, append, done);
      return;
    }
    flow.hold(); // nothing more is read meanwhile, so the order stays
    metadata.readLatest(
        append.deadlineNanos(),
        latest ->
            CallContext.onLoop(
                loop,
                () -> {
                  onConfirmed(id, producerId, append, done, latest);
                  flow.release();
                }));
  }

  private void onConfirmed(
      long id,
      long producerId,
      Append append,
      Consumer<AppendResponse> done,
      Result<ClusterImage> latest) {
    if (latest instanceof Result.Ok<ClusterImage> ok
        && ProducerIds.handedOut(ok.value(), producerId)) {
      append(id, append, done);
    } else {
      ApiError error =
          latest.fold(
              image -> ProducerIds.unknown(producerId, producerId >= ProducerIds.FIRST_THIN),
              failed -> failed);
      done.accept(PartitionMessages.refused(id, metadata.image().index(), error));
    }
  }

  private void append(long id, Append append, Consumer<AppendResponse> done) {
    partitions.append(
        append,
        result ->
            CallContext.onLoop(
                loop,
                () ->
                    done.accept(PartitionMessages.appended(id, metadata.image().index(), result))));
  }

  @Override
  public void onError(Throwable failure) {
    flow.onError();
  }

  @Override
  public void onCompleted() {
    flow.onCompleted();
  }
}
