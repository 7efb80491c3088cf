package io.kontiki.kafka.api;

import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.message.ListOffsetsRequestData;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsPartition;
import org.apache.kafka.common.message.ListOffsetsRequestData.ListOffsetsTopic;
import org.apache.kafka.common.message.ListOffsetsResponseData;
import org.apache.kafka.common.message.ListOffsetsResponseData.ListOffsetsPartitionResponse;
import org.apache.kafka.common.message.ListOffsetsResponseData.ListOffsetsTopicResponse;
import org.apache.kafka.common.protocol.Errors;

/** Offsets: earliest, latest, by time, of the greatest time; in version 0 as a list. */
final class ListOffsetsApi {
  private static final long LATEST = -1;
  private static final long EARLIEST = -2;
  private static final long MAX_TIMESTAMP = -3;
  private static final long EARLIEST_LOCAL = -4;
  private static final long TIMEOUT_MS = 20_000;

  private final DoorServices services;
  private final ClusterView view;

  ListOffsetsApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void serve(Call call, ListOffsetsRequestData request, Answer answer) {
    ListOffsetsResponseData response = new ListOffsetsResponseData();
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    long deadline = call.deadlineNanos(TIMEOUT_MS);
    for (ListOffsetsTopic topic : request.topics()) {
      ListOffsetsTopicResponse answers =
          new ListOffsetsTopicResponse()
              .setName(topic.name())
              .setPartitions(new ArrayList<>(topic.partitions().size()));
      response.topics().add(answers);
      for (ListOffsetsPartition wanted : topic.partitions()) {
        ListOffsetsPartitionResponse one =
            new ListOffsetsPartitionResponse().setPartitionIndex(wanted.partitionIndex());
        answers.partitions().add(one);
        PartitionId id = view.partition(topic.name(), wanted.partitionIndex());
        Errors refusal = id == null ? Errors.UNKNOWN_TOPIC_OR_PARTITION : epoch(id, wanted);
        if (id == null || refusal != Errors.NONE) {
          one.setErrorCode(refusal.code());
        } else {
          find(id, wanted.timestamp(), deadline, fan.one(found -> tell(call, wanted, one, found)));
        }
      }
    }
    fan.asked();
  }

  private Errors epoch(PartitionId id, ListOffsetsPartition wanted) {
    ClusterView.Leader leader = view.leader(id);
    if (wanted.currentLeaderEpoch() < 0 || leader == null) {
      return Errors.NONE;
    }
    return wanted.currentLeaderEpoch() < leader.epoch()
        ? Errors.FENCED_LEADER_EPOCH
        : wanted.currentLeaderEpoch() > leader.epoch() ? Errors.UNKNOWN_LEADER_EPOCH : Errors.NONE;
  }

  private void find(
      PartitionId id, long timestamp, long deadline, Completion<OffsetAnswer> completion) {
    if (timestamp == MAX_TIMESTAMP) {
      new GreatestTime(services.partitions(), id, deadline, completion).start();
      return;
    }
    OffsetQuery query =
        timestamp == EARLIEST || timestamp == EARLIEST_LOCAL
            ? new OffsetQuery.Earliest()
            : timestamp < 0 ? new OffsetQuery.Latest() : new OffsetQuery.AtTime(timestamp);
    services.partitions().listOffset(new ListOffset(id, query, deadline, Route.LOCAL), completion);
  }

  private static void tell(
      Call call,
      ListOffsetsPartition wanted,
      ListOffsetsPartitionResponse one,
      OffsetAnswer answer) {
    if (answer instanceof OffsetAnswer.Failed failed) {
      one.setErrorCode(KafkaErrors.ofRead(failed.error()).code());
      return;
    }
    OffsetAnswer.Found found = (OffsetAnswer.Found) answer;
    boolean byTime = wanted.timestamp() >= 0 || wanted.timestamp() == MAX_TIMESTAMP;
    if (call.version() == 0) {
      // Then a list of where segments begin; nobody needs more than where to go on reading.
      one.setOldStyleOffsets(wanted.maxNumOffsets() > 0 ? List.of(found.offset()) : List.of());
    } else if (byTime && found.timestampMs() < 0) {
      one.setOffset(-1).setTimestamp(-1); // nothing is that young
    } else {
      one.setOffset(found.offset()).setTimestamp(byTime ? found.timestampMs() : LATEST);
      if (call.version() >= 4) {
        one.setLeaderEpoch(found.leaderEpoch());
      }
    }
  }
}
