package io.kontiki.kafka.api;

import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseBroker;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponsePartition;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponseTopic;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** Brokers and topics: by name, by id, all. */
final class MetadataApi {
  private static final long CREATE_MS = 10_000;

  private final DoorServices services;
  private final ClusterView view;

  MetadataApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void serve(Call call, MetadataRequestData request, Answer answer) {
    ClusterImage image = view.image();
    List<String> unknown = new ArrayList<>();
    boolean all = all(call, request);
    for (MetadataRequestTopic topic : all ? List.<MetadataRequestTopic>of() : request.topics()) {
      if (find(image, topic) == null) {
        unknown.add(byId(topic) ? "" : topic.name());
      }
    }
    if (unknown.isEmpty()) {
      answer.send(response(call, request, image, Map.of()));
      return;
    }
    view.confirmed(
        call,
        latest -> {
          if (latest instanceof Result.Ok<ClusterImage> confirmed) {
            onConfirmed(call, request, unknown, confirmed.value(), answer);
          } else {
            SortedMap<String, Errors> errors = new TreeMap<>();
            unknown.forEach(name -> errors.put(name, Errors.LEADER_NOT_AVAILABLE));
            answer.send(response(call, request, view.image(), errors));
          }
        });
  }

  /** Version 0 has no way to ask for no topic: none means all. */
  private static boolean all(Call call, MetadataRequestData request) {
    return request.topics() == null || (call.version() == 0 && request.topics().isEmpty());
  }

  private void onConfirmed(
      Call call,
      MetadataRequestData request,
      List<String> unknown,
      ClusterImage image,
      Answer answer) {
    List<String> missing = new ArrayList<>();
    for (String name : unknown) {
      if (!name.isEmpty() && image.topic(name) == null && !missing.contains(name)) {
        missing.add(name);
      }
    }
    boolean create =
        services.autoCreateTopics() && (call.version() < 4 || request.allowAutoTopicCreation());
    if (!create || missing.isEmpty()) {
      answer.send(response(call, request, image, Map.of()));
      return;
    }
    SortedMap<String, Errors> errors = new TreeMap<>();
    FanOut fan =
        new FanOut(call.loop(), () -> answer.send(response(call, request, view.image(), errors)));
    for (String name : missing) {
      services
          .admin()
          .topics()
          .create(
              call.within(CREATE_MS),
              new TopicCreation.Request(name, null, null, Map.of()),
              fan.one(
                  created -> {
                    ApiError error = created.fold(ok -> null, failed -> failed);
                    if (error != null && error.reason() != ErrorReason.TOPIC_EXISTS) {
                      Errors code = KafkaErrors.of(error);
                      errors.put(
                          name,
                          code == Errors.INVALID_TOPIC_EXCEPTION
                              ? code
                              : Errors.LEADER_NOT_AVAILABLE);
                    }
                  }));
    }
    fan.asked();
  }

  /** Then the name is null or empty. */
  private static boolean byId(MetadataRequestTopic topic) {
    return topic.name() == null || !topic.topicId().equals(Uuid.ZERO_UUID);
  }

  private static @Nullable TopicImage find(ClusterImage image, MetadataRequestTopic topic) {
    return byId(topic)
        ? image.topics().get(ClusterView.topicId(topic.topicId()))
        : image.topic(topic.name());
  }

  /**
   * @param errors of topics that the image does not hold, where it is not that they do not exist
   */
  private MetadataResponseData response(
      Call call, MetadataRequestData request, ClusterImage image, Map<String, Errors> errors) {
    MetadataResponseData response =
        new MetadataResponseData()
            .setClusterId(image.clusterId().toString())
            .setControllerId(view.controllerId(image));
    if (call.version() >= 8 && request.includeClusterAuthorizedOperations()) {
      response.setClusterAuthorizedOperations(Operations.CLUSTER);
    }
    view.brokers(image)
        .forEach(
            (id, endpoint) ->
                response
                    .brokers()
                    .add(
                        new MetadataResponseBroker()
                            .setNodeId(id)
                            .setHost(endpoint.host())
                            .setPort(endpoint.port())));
    boolean operations = request.includeTopicAuthorizedOperations();
    if (all(call, request)) {
      for (var id : image.topicNames().values()) {
        TopicImage topic = image.topics().get(id);
        if (topic != null) {
          response.topics().add(topic(call, image, topic, operations));
        }
      }
      return response;
    }
    for (MetadataRequestTopic wanted : request.topics()) {
      TopicImage topic = find(image, wanted);
      response
          .topics()
          .add(
              topic == null
                  ? missing(call, wanted, errors)
                  : topic(call, image, topic, operations));
    }
    return response;
  }

  private static MetadataResponseTopic missing(
      Call call, MetadataRequestTopic wanted, Map<String, Errors> errors) {
    String name = wanted.name();
    MetadataResponseTopic topic = new MetadataResponseTopic().setTopicId(wanted.topicId());
    if (byId(wanted)) {
      return topic
          .setName(call.version() >= 12 ? null : "")
          .setErrorCode(errors.getOrDefault("", Errors.UNKNOWN_TOPIC_ID).code());
    }
    Errors error =
        Refusals.badTopicName("name", name) == null
            ? errors.getOrDefault(name, Errors.UNKNOWN_TOPIC_OR_PARTITION)
            : Errors.INVALID_TOPIC_EXCEPTION;
    return topic.setName(name).setTopicId(Uuid.ZERO_UUID).setErrorCode(error.code());
  }

  private MetadataResponseTopic topic(
      Call call, ClusterImage image, TopicImage topic, boolean operations) {
    MetadataResponseTopic told =
        new MetadataResponseTopic()
            .setName(topic.name())
            .setTopicId(ClusterView.uuid(topic.id()))
            .setPartitions(new ArrayList<>(topic.partitions().size()));
    if (operations) {
      told.setTopicAuthorizedOperations(Operations.TOPIC);
    }
    for (int i = 0; i < topic.partitions().size(); i++) {
      ClusterView.PartitionView partition = view.partition(image, topic.partitions().get(i));
      told.partitions()
          .add(
              new MetadataResponsePartition()
                  .setPartitionIndex(i)
                  .setErrorCode(partition.error().code())
                  .setLeaderId(partition.leader())
                  .setLeaderEpoch(partition.leaderEpoch())
                  .setReplicaNodes(partition.replicas())
                  .setIsrNodes(partition.isr())
                  .setOfflineReplicas(partition.offline()));
    }
    if (call.version() == 0) {
      told.partitions().forEach(partition -> withoutStrangers(image, partition));
    }
    return told;
  }

  /** Kafka 0.8 gives up on an answer with a replica on a broker that is not among the brokers. */
  private void withoutStrangers(ClusterImage image, MetadataResponsePartition partition) {
    Set<Integer> told = view.brokers(image).keySet();
    List<Integer> replicas = partition.replicaNodes().stream().filter(told::contains).toList();
    if (replicas.size() < partition.replicaNodes().size()
        && partition.errorCode() == Errors.NONE.code()) {
      partition.setErrorCode(Errors.REPLICA_NOT_AVAILABLE.code());
    }
    partition
        .setReplicaNodes(replicas)
        .setIsrNodes(partition.isrNodes().stream().filter(told::contains).toList());
  }
}
