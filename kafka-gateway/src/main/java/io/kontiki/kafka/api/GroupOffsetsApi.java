package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.group.ClassicGroups;
import io.kontiki.broker.group.ClassicGroups.Speaker;
import io.kontiki.broker.group.ClassicReply;
import io.kontiki.broker.group.ClassicReply.Refusal;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer.Committed;
import io.kontiki.group.GroupLimits;
import io.kontiki.group.OffsetCommit;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestPartition;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestTopic;
import org.apache.kafka.common.message.OffsetCommitResponseData;
import org.apache.kafka.common.message.OffsetCommitResponseData.OffsetCommitResponsePartition;
import org.apache.kafka.common.message.OffsetCommitResponseData.OffsetCommitResponseTopic;
import org.apache.kafka.common.message.OffsetDeleteRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestPartition;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopic;
import org.apache.kafka.common.message.OffsetDeleteResponseData;
import org.apache.kafka.common.message.OffsetDeleteResponseData.OffsetDeleteResponsePartition;
import org.apache.kafka.common.message.OffsetDeleteResponseData.OffsetDeleteResponseTopic;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopic;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopics;
import org.apache.kafka.common.message.OffsetFetchResponseData;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseGroup;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponsePartition;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponsePartitions;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseTopic;
import org.apache.kafka.common.message.OffsetFetchResponseData.OffsetFetchResponseTopics;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** What groups have committed: stored, read, deleted; the same offsets for groups of all kinds. */
final class GroupOffsetsApi {
  private static final int NONE = -1;

  /** From this version of OffsetFetch on several groups are asked for at once. */
  private static final int SEVERAL = 8;

  /** From this version of OffsetFetch on there is an error of the group. */
  private static final int GROUP_ERROR = 2;

  private final ClassicGroups groups;
  private final ClusterView view;

  GroupOffsetsApi(DoorServices services, ClusterView view) {
    this.groups = services.groups();
    this.view = view;
  }

  // Commit

  void commit(Call call, OffsetCommitRequestData request, Answer answer) {
    boolean known =
        request.topics().stream()
            .allMatch(
                topic ->
                    topic.partitions().stream()
                        .allMatch(
                            one -> view.partition(topic.name(), one.partitionIndex()) != null));
    if (known) {
      commit(call, request, view.image(), Errors.UNKNOWN_TOPIC_OR_PARTITION, answer);
      return;
    }
    view.confirmed(
        call,
        latest ->
            commit(
                call,
                request,
                latest.fold(image -> image, error -> view.image()),
                latest.fold(
                    image -> Errors.UNKNOWN_TOPIC_OR_PARTITION,
                    error -> Errors.COORDINATOR_NOT_AVAILABLE),
                answer));
  }

  private void commit(
      Call call,
      OffsetCommitRequestData request,
      ClusterImage image,
      Errors missing,
      Answer answer) {
    OffsetCommitResponseData response = new OffsetCommitResponseData();
    TreeMap<PartitionId, OffsetCommit> offsets = new TreeMap<>();
    Map<OffsetCommitResponsePartition, PartitionId> asked = new IdentityHashMap<>();
    List<OffsetCommitResponsePartition> open = new ArrayList<>();
    Errors badName = GroupErrors.badOffsetsName(request.groupId());
    for (OffsetCommitRequestTopic topic : request.topics()) {
      OffsetCommitResponseTopic told = new OffsetCommitResponseTopic().setName(topic.name());
      response.topics().add(told);
      for (OffsetCommitRequestPartition one : topic.partitions()) {
        OffsetCommitResponsePartition end =
            new OffsetCommitResponsePartition().setPartitionIndex(one.partitionIndex());
        told.partitions().add(end);
        PartitionId id = ClusterView.partition(image, topic.name(), one.partitionIndex());
        Errors bad = badName != null ? badName : id == null ? missing : bad(one);
        if (bad != null) {
          end.setErrorCode(bad.code());
        } else if (id != null) {
          offsets.put(id, offset(id, one));
          open.add(end);
          asked.put(end, id);
        }
      }
    }
    if (offsets.isEmpty()) {
      answer.send(response);
      return;
    }
    if (offsets.size() > GroupLimits.OFFSETS_PER_COMMAND) {
      open.forEach(end -> end.setErrorCode(Errors.INVALID_COMMIT_OFFSET_SIZE.code()));
      answer.send(response);
      return;
    }
    groups.commit(
        call.loop(),
        new Speaker(
            request.groupId(),
            request.memberId(),
            GroupErrors.text(request.groupInstanceId()),
            request.generationIdOrMemberEpoch()),
        List.copyOf(offsets.values()),
        reply -> {
          for (OffsetCommitResponsePartition end : open) {
            end.setErrorCode(end(reply, asked.get(end)).code());
          }
          answer.send(response);
        });
  }

  private static @Nullable Errors bad(OffsetCommitRequestPartition one) {
    if (GroupErrors.text(one.committedMetadata()).length() > GroupLimits.METADATA_CHARS) {
      return Errors.OFFSET_METADATA_TOO_LARGE;
    }
    return one.committedOffset() < 0 ? Errors.INVALID_REQUEST : null;
  }

  /** Kafka's clients go back when they like. */
  private static OffsetCommit offset(PartitionId id, OffsetCommitRequestPartition one) {
    return new OffsetCommit(
        id,
        one.committedOffset(),
        Math.max(NONE, one.committedLeaderEpoch()),
        GroupErrors.text(one.committedMetadata()),
        true);
  }

  private static Errors end(ClassicReply<Committed> reply, @Nullable PartitionId id) {
    if (reply instanceof ClassicReply.Ok<Committed> ok && id != null) {
      return ok.value().refused().containsKey(id)
          ? KafkaErrors.of(ok.value().refused().get(id))
          : Errors.NONE;
    }
    return GroupErrors.of(reply);
  }

  // Fetch

  private record Found(Errors error, SortedMap<PartitionId, CommittedOffset> offsets) {}

  void fetch(Call call, OffsetFetchRequestData request, Answer answer) {
    OffsetFetchResponseData response = new OffsetFetchResponseData();
    if (call.version() < SEVERAL) {
      List<OffsetFetchRequestTopics> topics = null;
      if (request.topics() != null) {
        topics = new ArrayList<>();
        for (OffsetFetchRequestTopic topic : request.topics()) {
          topics.add(
              new OffsetFetchRequestTopics()
                  .setName(topic.name())
                  .setPartitionIndexes(topic.partitionIndexes()));
        }
      }
      OffsetFetchResponseGroup group = new OffsetFetchResponseGroup();
      fetch(
          call, request.groupId(), topics, group, () -> answer.send(older(call, group, response)));
      return;
    }
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    for (OffsetFetchRequestGroup one : request.groups()) {
      OffsetFetchResponseGroup group = new OffsetFetchResponseGroup().setGroupId(one.groupId());
      response.groups().add(group);
      var done = fan.<Boolean>one(end -> {});
      fetch(call, one.groupId(), one.topics(), group, () -> done.complete(true));
    }
    fan.asked();
  }

  private void fetch(
      Call call,
      String name,
      @Nullable List<OffsetFetchRequestTopics> topics,
      OffsetFetchResponseGroup group,
      Runnable done) {
    Errors bad = GroupErrors.badOffsetsName(name);
    if (bad != null) {
      fill(group, topics, new Found(bad, new TreeMap<>()));
      done.run();
      return;
    }
    Optional<SortedSet<PartitionId>> wanted = Optional.empty();
    if (topics != null) {
      TreeSet<PartitionId> ids = new TreeSet<>();
      for (OffsetFetchRequestTopics topic : topics) {
        for (int partition : topic.partitionIndexes()) {
          PartitionId id = view.partition(topic.name(), partition);
          if (id != null) {
            ids.add(id);
          }
        }
      }
      wanted = Optional.of(ids);
    }
    groups.offsets(
        call.loop(),
        name,
        wanted,
        reply -> {
          SortedMap<PartitionId, CommittedOffset> offsets = new TreeMap<>();
          if (reply instanceof ClassicReply.Ok<SortedMap<PartitionId, CommittedOffset>> ok) {
            offsets = ok.value();
          }
          fill(group, topics, new Found(GroupErrors.of(reply), offsets));
          done.run();
        });
  }

  private void fill(
      OffsetFetchResponseGroup group,
      @Nullable List<OffsetFetchRequestTopics> topics,
      Found found) {
    group.setErrorCode(found.error().code());
    if (topics != null) {
      for (OffsetFetchRequestTopics topic : topics) {
        OffsetFetchResponseTopics told = new OffsetFetchResponseTopics().setName(topic.name());
        group.topics().add(told);
        for (int partition : topic.partitionIndexes()) {
          PartitionId id = view.partition(topic.name(), partition);
          told.partitions().add(partition(partition, id == null ? null : found.offsets().get(id)));
        }
      }
      return;
    }
    Map<String, OffsetFetchResponseTopics> told = new HashMap<>();
    ClusterImage image = view.image();
    found
        .offsets()
        .forEach(
            (id, offset) -> {
              TopicImage topic = image.topics().get(id.topicId());
              if (topic != null) { // else it is about to be forgotten (G8)
                told.computeIfAbsent(
                        topic.name(),
                        name -> {
                          OffsetFetchResponseTopics fresh =
                              new OffsetFetchResponseTopics().setName(name);
                          group.topics().add(fresh);
                          return fresh;
                        })
                    .partitions()
                    .add(partition(id.partition(), offset));
              }
            });
  }

  private static OffsetFetchResponsePartitions partition(
      int number, @Nullable CommittedOffset offset) {
    OffsetFetchResponsePartitions told =
        new OffsetFetchResponsePartitions().setPartitionIndex(number);
    return offset == null
        ? told.setCommittedOffset(NONE).setCommittedLeaderEpoch(NONE).setMetadata("")
        : told.setCommittedOffset(offset.offset())
            .setCommittedLeaderEpoch(offset.leaderEpoch())
            .setMetadata(offset.metadata());
  }

  /** The same in the form of older versions. */
  private static OffsetFetchResponseData older(
      Call call, OffsetFetchResponseGroup group, OffsetFetchResponseData response) {
    boolean inGroup = call.version() >= GROUP_ERROR;
    if (inGroup) {
      response.setErrorCode(group.errorCode());
    }
    for (OffsetFetchResponseTopics topic : group.topics()) {
      OffsetFetchResponseTopic told = new OffsetFetchResponseTopic().setName(topic.name());
      response.topics().add(told);
      for (OffsetFetchResponsePartitions one : topic.partitions()) {
        told.partitions()
            .add(
                new OffsetFetchResponsePartition()
                    .setPartitionIndex(one.partitionIndex())
                    .setCommittedOffset(one.committedOffset())
                    .setCommittedLeaderEpoch(one.committedLeaderEpoch())
                    .setMetadata(one.metadata())
                    .setErrorCode(inGroup ? one.errorCode() : group.errorCode()));
      }
    }
    return response;
  }

  // Delete

  void delete(Call call, OffsetDeleteRequestData request, Answer answer) {
    OffsetDeleteResponseData response = new OffsetDeleteResponseData();
    Errors bad = GroupErrors.badName(request.groupId());
    if (bad != null) {
      answer.send(response.setErrorCode(bad.code()));
      return;
    }
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    for (OffsetDeleteRequestTopic topic : request.topics()) {
      OffsetDeleteResponseTopic told = new OffsetDeleteResponseTopic().setName(topic.name());
      response.topics().add(told);
      List<PartitionId> ids = new ArrayList<>();
      List<OffsetDeleteResponsePartition> asked = new ArrayList<>();
      for (OffsetDeleteRequestPartition one : topic.partitions()) {
        OffsetDeleteResponsePartition end =
            new OffsetDeleteResponsePartition().setPartitionIndex(one.partitionIndex());
        told.partitions().add(end);
        PartitionId id = view.partition(topic.name(), one.partitionIndex());
        if (id == null) {
          end.setErrorCode(Errors.UNKNOWN_TOPIC_OR_PARTITION.code());
        } else {
          ids.add(id);
          asked.add(end);
        }
      }
      if (!ids.isEmpty()) {
        groups.deleteOffsets(
            call.loop(),
            request.groupId(),
            topic.name(),
            ids,
            fan.one(reply -> deleted(response, asked, reply)));
      }
    }
    fan.asked();
  }

  private static void deleted(
      OffsetDeleteResponseData response,
      List<OffsetDeleteResponsePartition> asked,
      ClassicReply<Boolean> reply) {
    if (reply instanceof ClassicReply.No<Boolean> no) {
      short code = GroupErrors.of(no.why()).code();
      if (no.why() == Refusal.SUBSCRIBED) {
        asked.forEach(end -> end.setErrorCode(code));
      } else {
        response.setErrorCode(code);
      }
    }
  }
}
