package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.convert.Conversions;
import io.kontiki.kafka.convert.MessageSet;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.record.RecordBatch;
import io.kontiki.runtime.Completion;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.message.ProduceResponseData.LeaderIdAndEpoch;
import org.apache.kafka.common.message.ProduceResponseData.NodeEndpoint;
import org.apache.kafka.common.message.ProduceResponseData.PartitionProduceResponse;
import org.apache.kafka.common.message.ProduceResponseData.TopicProduceResponse;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.MemoryRecords;
import org.jspecify.annotations.Nullable;

/**
 * Batches go to the loops of their partitions as they came, slices of the request's frame. A broker
 * that does not lead says who does; it does not forward, as Kafka's clients find the leader.
 */
final class ProduceApi {
  private static final long MOST_MS = 300_000;
  private static final int KIP_951 = 10;
  private static final int FIRST_OF_BATCHES = 3;

  private final DoorServices services;
  private final ClusterView view;
  private final Conversions conversions;

  ProduceApi(DoorServices services, ClusterView view, Conversions conversions) {
    this.services = services;
    this.view = view;
    this.conversions = conversions;
  }

  void serve(Call call, ProduceRequestData request, Answer answer) {
    ProduceResponseData response = new ProduceResponseData();
    Acks acks = acks(request.acks());
    FanOut fan = new FanOut(call.loop(), () -> end(request, response, answer));
    long deadline = call.deadlineNanos(Math.min(MOST_MS, request.timeoutMs()));
    for (TopicProduceData topic : request.topicData()) {
      TopicProduceResponse answers =
          new TopicProduceResponse()
              .setName(topic.name())
              .setPartitionResponses(new ArrayList<>(topic.partitionData().size()));
      response.responses().add(answers);
      for (PartitionProduceData partition : topic.partitionData()) {
        PartitionProduceResponse one =
            new PartitionProduceResponse().setIndex(partition.index()).setBaseOffset(-1);
        answers.partitionResponses().add(one);
        PartitionId id = view.partition(topic.name(), partition.index());
        ApiError refusal = refusal(request, call.version(), acks, topic.name(), partition, id);
        if (refusal != null) {
          fail(call, response, one, id, refusal);
        } else if (acks == null) {
          one.setErrorCode(Errors.INVALID_REQUIRED_ACKS.code());
        } else if (id != null && partition.records() instanceof MemoryRecords records) {
          take(
              call,
              new Append(id, -1, acks, records.buffer().slice(), deadline, Route.LOCAL),
              fan.one(result -> onAppended(call, response, one, id, result)));
        }
      }
    }
    fan.asked();
  }

  private static @Nullable Acks acks(short acks) {
    return switch (acks) {
      case -1 -> Acks.ALL;
      case 0 -> Acks.NONE;
      case 1 -> Acks.LEADER;
      default -> null;
    };
  }

  private @Nullable ApiError refusal(
      ProduceRequestData request,
      short version,
      @Nullable Acks acks,
      String topic,
      PartitionProduceData partition,
      @Nullable PartitionId id) {
    if (acks == null) {
      return null;
    }
    if (request.transactionalId() != null) {
      return Transactions.refused();
    }
    if (id == null) {
      return Refusals.topicNotFound(topic).with("partition", partition.index());
    }
    if (!(partition.records() instanceof MemoryRecords records)
        || records.sizeInBytes() < (version >= FIRST_OF_BATCHES ? RecordBatch.HEADER_BYTES : 1)) {
      return ApiError.definite(ErrorReason.INVALID_BATCH, "no batch of records")
          .with("what", "no whole batch");
    }
    return null;
  }

  /** Message sets of old clients become batches first, in the order in which they came. */
  private void take(Call call, Append append, Completion<AppendAnswer> done) {
    if (call.version() >= FIRST_OF_BATCHES) {
      append(call, append, done);
      return;
    }
    conversions.run(
        call.loop(),
        () -> MessageSet.toBatch(append.batch(), conversions.limitBytes()),
        converted -> {
          if (converted instanceof Result.Ok<ByteBuffer> batch) {
            services
                .partitions()
                .append(
                    new Append(
                        append.partition(),
                        append.leaderEpoch(),
                        append.acks(),
                        batch.value(),
                        append.deadlineNanos(),
                        append.route()),
                    done);
          } else {
            done.complete(
                new AppendAnswer.Failed(((Result.Err<ByteBuffer>) converted).error(), null));
          }
        });
  }

  /** An id that nobody was given is refused, once the quorum has confirmed that (rule I6). */
  private void append(Call call, Append append, Completion<AppendAnswer> done) {
    ByteBuffer batch = append.batch();
    long producerId = RecordBatch.at(batch).producerId();
    if (ProducerIds.handedOut(view.image(), producerId)) {
      services.partitions().append(append, done);
      return;
    }
    services
        .metadata()
        .readLatest(
            append.deadlineNanos(),
            latest ->
                CallContext.onLoop(
                    call.loop(),
                    () -> {
                      if (latest instanceof Result.Ok<ClusterImage> ok
                          && ProducerIds.handedOut(ok.value(), producerId)) {
                        services.partitions().append(append, done);
                      } else {
                        done.complete(
                            new AppendAnswer.Failed(
                                latest.fold(
                                    image -> ProducerIds.unknown(producerId, false),
                                    failed -> failed),
                                null));
                      }
                    }));
  }

  private void onAppended(
      Call call,
      ProduceResponseData response,
      PartitionProduceResponse one,
      PartitionId id,
      AppendAnswer result) {
    if (result instanceof AppendAnswer.Appended appended) {
      one.setBaseOffset(appended.baseOffset())
          .setLogAppendTimeMs(appended.appendTimeMs())
          .setLogStartOffset(appended.logStartOffset());
    } else {
      fail(call, response, one, id, ((AppendAnswer.Failed) result).error());
    }
  }

  private void fail(
      Call call,
      ProduceResponseData response,
      PartitionProduceResponse one,
      @Nullable PartitionId id,
      ApiError error) {
    ClusterView.Leader leader = id == null ? null : view.leader(id);
    boolean here = leader != null && leader.id() == services.brokerId();
    Errors code = KafkaErrors.ofAppend(error, here);
    one.setErrorCode(code.code()).setErrorMessage(error.message()).setLogStartOffset(-1);
    if (call.version() >= KIP_951
        && code == Errors.NOT_LEADER_OR_FOLLOWER
        && leader != null
        && !here) {
      one.setCurrentLeader(
          new LeaderIdAndEpoch().setLeaderId(leader.id()).setLeaderEpoch(leader.epoch()));
      if (leader.kafka() != null && response.nodeEndpoints().find(leader.id()) == null) {
        response
            .nodeEndpoints()
            .add(
                new NodeEndpoint()
                    .setNodeId(leader.id())
                    .setHost(leader.kafka().host())
                    .setPort(leader.kafka().port()));
      }
    }
  }

  /** Who expects no answer learns of a failure from the end of the connection. */
  private static void end(ProduceRequestData request, ProduceResponseData response, Answer answer) {
    if (request.acks() != 0) {
      answer.send(response);
      return;
    }
    for (TopicProduceResponse topic : response.responses()) {
      for (PartitionProduceResponse partition : topic.partitionResponses()) {
        if (partition.errorCode() != Errors.NONE.code()) {
          answer.close(
              "Produce with acks=0 to "
                  + topic.name()
                  + "-"
                  + partition.index()
                  + " failed: "
                  + partition.errorMessage());
          return;
        }
      }
    }
    answer.none();
  }
}
