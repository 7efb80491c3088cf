package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.Reassignments;
import io.kontiki.metadata.controller.Reassignments.Named;
import io.kontiki.metadata.controller.Reassignments.UnderWay;
import io.kontiki.metadata.controller.Reassignments.Wanted;
import io.kontiki.model.ApiError;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignablePartition;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignableTopic;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData.ReassignablePartitionResponse;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData.ReassignableTopicResponse;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersRequestData.TopicPartitions;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.ElectLeadersResponseData.PartitionResult;
import org.apache.kafka.common.message.ElectLeadersResponseData.ReplicaElectionResult;
import org.apache.kafka.common.message.ListPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.ListPartitionReassignmentsRequestData.ListPartitionReassignmentsTopics;
import org.apache.kafka.common.message.ListPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.ListPartitionReassignmentsResponseData.OngoingPartitionReassignment;
import org.apache.kafka.common.message.ListPartitionReassignmentsResponseData.OngoingTopicReassignment;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** Elections, and moves of replicas. */
final class ReplicasApi {
  private static final byte PREFERRED = 0;

  private final DoorServices services;
  private final ClusterView view;

  ReplicasApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void elect(Call call, ElectLeadersRequestData request, Answer answer) {
    CallContext context = call.within(request.timeoutMs());
    boolean preferred = call.version() == 0 || request.electionType() == PREFERRED;
    List<Named> wanted = new ArrayList<>();
    if (request.topicPartitions() == null) {
      needed(preferred, wanted);
    } else {
      for (TopicPartitions topic : request.topicPartitions()) {
        topic.partitions().forEach(number -> wanted.add(new Named(topic.topic(), number)));
      }
    }
    Gather.all(
        call.loop(),
        wanted.size(),
        i -> new PartitionResult(),
        (i, done) -> elect(context, wanted.get(i), preferred, done),
        results -> {
          Map<String, List<PartitionResult>> topics = new TreeMap<>();
          for (int i = 0; i < wanted.size(); i++) {
            topics
                .computeIfAbsent(wanted.get(i).topic(), topic -> new ArrayList<>())
                .add(results.get(i));
          }
          ElectLeadersResponseData response = new ElectLeadersResponseData();
          topics.forEach(
              (topic, partitions) ->
                  response
                      .replicaElectionResults()
                      .add(
                          new ReplicaElectionResult()
                              .setTopic(topic)
                              .setPartitionResult(partitions)));
          answer.send(response);
        });
  }

  /** Of all partitions those that an election would change. */
  private void needed(boolean preferred, List<Named> into) {
    ClusterImage image = view.image();
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        boolean needs =
            preferred
                ? partition.leader() != partition.replicas().get(0)
                : partition.leader() == PartitionImage.NO_LEADER;
        if (needs) {
          into.add(new Named(topic.name(), i));
        }
      }
    }
  }

  private void elect(
      CallContext call, Named named, boolean preferred, Completion<PartitionResult> done) {
    PartitionResult result = new PartitionResult().setPartitionId(named.partition());
    PartitionImage now = partition(named);
    if (preferred && now != null && now.leader() == now.replicas().get(0)) {
      done.complete(
          result
              .setErrorCode(Errors.ELECTION_NOT_NEEDED.code())
              .setErrorMessage(
                  "the preferred replica, "
                      + now.leader()
                      + ", leads "
                      + named.topic()
                      + "-"
                      + named.partition()
                      + " already"));
      return;
    }
    Completion<@Nullable ApiError> end =
        error -> {
          if (error != null) {
            Errors code = KafkaErrors.of(error);
            result
                .setErrorCode(
                    (preferred && code == Errors.ELIGIBLE_LEADERS_NOT_AVAILABLE
                            ? Errors.PREFERRED_LEADER_NOT_AVAILABLE
                            : code)
                        .code())
                .setErrorMessage(error.message());
          }
          done.complete(result);
        };
    if (preferred) {
      services
          .admin()
          .leadership()
          .electPreferred(call, named, elected -> end.complete(elected.fold(ok -> null, e -> e)));
    } else {
      services
          .admin()
          .leadership()
          .electUnclean(
              call,
              named,
              "asked for by a Kafka client",
              elected -> end.complete(elected.fold(ok -> null, e -> e)));
    }
  }

  private @Nullable PartitionImage partition(Named named) {
    TopicImage topic = view.image().topic(named.topic());
    int number = named.partition();
    return topic == null || number < 0 || number >= topic.partitions().size()
        ? null
        : topic.partitions().get(number);
  }

  /** Each partition by itself; without replicas a move is taken back. */
  void reassign(Call call, AlterPartitionReassignmentsRequestData request, Answer answer) {
    CallContext context = call.within(request.timeoutMs());
    AlterPartitionReassignmentsResponseData response =
        new AlterPartitionReassignmentsResponseData();
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response));
    for (ReassignableTopic topic : request.topics()) {
      ReassignableTopicResponse answers =
          new ReassignableTopicResponse().setName(topic.name()).setPartitions(new ArrayList<>());
      response.responses().add(answers);
      for (ReassignablePartition partition : topic.partitions()) {
        ReassignablePartitionResponse one =
            new ReassignablePartitionResponse().setPartitionIndex(partition.partitionIndex());
        answers.partitions().add(one);
        Named named = new Named(topic.name(), partition.partitionIndex());
        if (partition.replicas() != null && !partition.replicas().isEmpty()) {
          services
              .admin()
              .reassignments()
              .reassign(
                  context,
                  List.of(new Wanted(named, partition.replicas())),
                  null,
                  fan.one(begun -> tell(one, begun.fold(ok -> null, error -> error))));
        } else if (partition.replicas() != null) {
          one.setErrorCode(Errors.INVALID_REPLICA_ASSIGNMENT.code())
              .setErrorMessage("a partition needs a replica");
        } else {
          PartitionImage now = partition(named);
          if (now != null && !now.reassigning()) {
            one.setErrorCode(Errors.NO_REASSIGNMENT_IN_PROGRESS.code())
                .setErrorMessage(Errors.NO_REASSIGNMENT_IN_PROGRESS.message());
          } else {
            services
                .admin()
                .reassignments()
                .cancel(
                    context,
                    List.of(named),
                    fan.one(cancelled -> tell(one, cancelled.fold(ok -> null, error -> error))));
          }
        }
      }
    }
    fan.asked();
  }

  private static void tell(ReassignablePartitionResponse one, @Nullable ApiError error) {
    if (error != null) {
      Errors code = KafkaErrors.of(error);
      one.setErrorCode(
              (code == Errors.INVALID_REPLICATION_FACTOR ? Errors.INVALID_REPLICA_ASSIGNMENT : code)
                  .code())
          .setErrorMessage(error.message());
    }
  }

  void list(Call call, ListPartitionReassignmentsRequestData request, Answer answer) {
    services
        .metadata()
        .readLatest(
            call.within(request.timeoutMs()).answerByNanos(),
            call.unbounded()
                .home(
                    latest ->
                        answer.send(
                            latest.fold(
                                image -> underWay(image, request.topics()),
                                error ->
                                    new ListPartitionReassignmentsResponseData()
                                        .setErrorCode(KafkaErrors.of(error).code())
                                        .setErrorMessage(error.message())))));
  }

  private static ListPartitionReassignmentsResponseData underWay(
      ClusterImage image, @Nullable List<ListPartitionReassignmentsTopics> wanted) {
    Map<String, OngoingTopicReassignment> topics = new TreeMap<>();
    for (UnderWay one : Reassignments.underWay(image)) {
      String name = one.topic().name();
      int number = one.id().partition();
      if (wanted != null
          && wanted.stream()
              .noneMatch(
                  topic ->
                      topic.name().equals(name) && topic.partitionIndexes().contains(number))) {
        continue;
      }
      topics
          .computeIfAbsent(
              name,
              none -> new OngoingTopicReassignment().setName(name).setPartitions(new ArrayList<>()))
          .partitions()
          .add(
              new OngoingPartitionReassignment()
                  .setPartitionIndex(number)
                  .setReplicas(one.partition().replicas())
                  .setAddingReplicas(one.partition().adding())
                  .setRemovingReplicas(one.partition().removing()));
    }
    return new ListPartitionReassignmentsResponseData().setTopics(new ArrayList<>(topics.values()));
  }
}
