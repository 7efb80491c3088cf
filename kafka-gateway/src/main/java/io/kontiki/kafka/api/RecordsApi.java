package io.kontiki.kafka.api;

import io.kontiki.broker.api.PartitionRequests.DeleteRecords;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import org.apache.kafka.common.message.DeleteRecordsRequestData;
import org.apache.kafka.common.message.DeleteRecordsRequestData.DeleteRecordsPartition;
import org.apache.kafka.common.message.DeleteRecordsRequestData.DeleteRecordsTopic;
import org.apache.kafka.common.message.DeleteRecordsResponseData;
import org.apache.kafka.common.message.DeleteRecordsResponseData.DeleteRecordsPartitionResult;
import org.apache.kafka.common.message.DeleteRecordsResponseData.DeleteRecordsTopicResult;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderPartition;
import org.apache.kafka.common.message.OffsetForLeaderEpochRequestData.OffsetForLeaderTopic;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData.EpochEndOffset;
import org.apache.kafka.common.message.OffsetForLeaderEpochResponseData.OffsetForLeaderTopicResult;
import org.apache.kafka.common.protocol.Errors;

/** Deletes records, and tells where epochs end. */
final class RecordsApi {
  private static final int NONE = -1;
  private static final long TIMEOUT_MS = 20_000;

  private final DoorServices services;
  private final ClusterView view;

  RecordsApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void delete(Call call, DeleteRecordsRequestData request, Answer answer) {
    DeleteRecordsResponseData response = new DeleteRecordsResponseData();
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    long deadline = call.within(request.timeoutMs()).answerByNanos();
    for (DeleteRecordsTopic topic : request.topics()) {
      DeleteRecordsTopicResult answers = new DeleteRecordsTopicResult().setName(topic.name());
      response.topics().add(answers);
      for (DeleteRecordsPartition partition : topic.partitions()) {
        DeleteRecordsPartitionResult one =
            new DeleteRecordsPartitionResult()
                .setPartitionIndex(partition.partitionIndex())
                .setLowWatermark(NONE);
        answers.partitions().add(one);
        PartitionId id = view.partition(topic.name(), partition.partitionIndex());
        if (id == null) {
          one.setErrorCode(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
        } else if (partition.offset() < NONE) {
          one.setErrorCode(Errors.OFFSET_OUT_OF_RANGE.code());
        } else {
          services
              .partitions()
              .deleteRecords(
                  new DeleteRecords(id, partition.offset(), deadline, Route.LOCAL),
                  fan.one(result -> tell(one, id, result)));
        }
      }
    }
    fan.asked();
  }

  private void tell(DeleteRecordsPartitionResult one, PartitionId id, OffsetAnswer result) {
    if (result instanceof OffsetAnswer.Found start) {
      one.setLowWatermark(start.offset());
      return;
    }
    ClusterView.Leader leader = view.leader(id);
    boolean here = leader != null && leader.id() == services.brokerId();
    one.setErrorCode(KafkaErrors.ofAppend(((OffsetAnswer.Failed) result).error(), here).code());
  }

  /**
   * A read that begins behind every end, after a record of the epoch asked for: the partition
   * answers where its log and that epoch part (rule R28).
   */
  void epochs(Call call, OffsetForLeaderEpochRequestData request, Answer answer) {
    OffsetForLeaderEpochResponseData response = new OffsetForLeaderEpochResponseData();
    if (call.version() >= 3 && request.replicaId() >= 0) {
      answer.close("OffsetForLeaderEpoch of replica " + request.replicaId());
      return;
    }
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    for (OffsetForLeaderTopic topic : request.topics()) {
      OffsetForLeaderTopicResult answers =
          new OffsetForLeaderTopicResult()
              .setTopic(topic.topic())
              .setPartitions(new ArrayList<>(topic.partitions().size()));
      response.topics().add(answers);
      for (OffsetForLeaderPartition wanted : topic.partitions()) {
        EpochEndOffset one =
            new EpochEndOffset()
                .setPartition(wanted.partition())
                .setLeaderEpoch(NONE)
                .setEndOffset(NONE);
        answers.partitions().add(one);
        PartitionId id = view.partition(topic.topic(), wanted.partition());
        if (id == null) {
          one.setErrorCode(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
        } else if (wanted.leaderEpoch() >= 0) {
          services
              .partitions()
              .fetch(
                  new Fetch(
                      id,
                      wanted.currentLeaderEpoch(),
                      Long.MAX_VALUE,
                      wanted.leaderEpoch(),
                      1,
                      0,
                      call.deadlineNanos(TIMEOUT_MS),
                      Route.LOCAL),
                  fan.one(read -> tell(wanted, one, read)));
        }
      }
    }
    fan.asked();
  }

  private static void tell(
      OffsetForLeaderPartition wanted, EpochEndOffset one, FetchAnswer answer) {
    if (!(answer instanceof FetchAnswer.Failed failed)) {
      one.setErrorCode(Errors.UNKNOWN_SERVER_ERROR.code());
    } else if (failed.divergence() != null
        && failed.error().reason() == ErrorReason.LOG_TRUNCATED) {
      if (failed.divergence().leaderEpoch() >= 0) {
        one.setLeaderEpoch(failed.divergence().leaderEpoch())
            .setEndOffset(failed.divergence().endOffset());
      }
    } else if (failed.error().reason() == ErrorReason.UNKNOWN_LEADER_EPOCH
        && wanted.currentLeaderEpoch() < 0) {
      one.setEndOffset(NONE); // of an epoch that this leader has not heard of nothing is known
    } else {
      one.setErrorCode(KafkaErrors.ofRead(failed.error()).code());
    }
  }
}
