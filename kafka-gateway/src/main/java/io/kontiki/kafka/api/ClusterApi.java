package io.kontiki.kafka.api;

import io.kontiki.broker.api.ClusterAdmin;
import io.kontiki.broker.api.NodeReports.LogDir;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.api.ReplicaSizes;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.common.message.DescribeClusterRequestData;
import org.apache.kafka.common.message.DescribeClusterResponseData;
import org.apache.kafka.common.message.DescribeClusterResponseData.DescribeClusterBroker;
import org.apache.kafka.common.message.DescribeLogDirsRequestData;
import org.apache.kafka.common.message.DescribeLogDirsRequestData.DescribableLogDirTopic;
import org.apache.kafka.common.message.DescribeLogDirsResponseData;
import org.apache.kafka.common.message.DescribeLogDirsResponseData.DescribeLogDirsPartition;
import org.apache.kafka.common.message.DescribeLogDirsResponseData.DescribeLogDirsResult;
import org.apache.kafka.common.message.DescribeLogDirsResponseData.DescribeLogDirsTopic;
import org.apache.kafka.common.message.DescribeTopicPartitionsRequestData;
import org.apache.kafka.common.message.DescribeTopicPartitionsResponseData;
import org.apache.kafka.common.message.DescribeTopicPartitionsResponseData.Cursor;
import org.apache.kafka.common.message.DescribeTopicPartitionsResponseData.DescribeTopicPartitionsResponsePartition;
import org.apache.kafka.common.message.DescribeTopicPartitionsResponseData.DescribeTopicPartitionsResponseTopic;
import org.apache.kafka.common.protocol.Errors;

/** Describes the cluster: brokers, partitions page by page, directories. */
final class ClusterApi {
  private static final int MOST_PARTITIONS = 2000;
  private static final byte BROKERS = 1;

  private final DoorServices services;
  private final ClusterView view;

  ClusterApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void describe(Call call, DescribeClusterRequestData request, Answer answer) {
    ClusterImage image = view.image();
    DescribeClusterResponseData response = new DescribeClusterResponseData();
    if (request.endpointType() != BROKERS) {
      answer.send(
          response
              .setErrorCode(Errors.UNSUPPORTED_ENDPOINT_TYPE.code())
              .setErrorMessage("clients reach brokers alone"));
      return;
    }
    response.setClusterId(image.clusterId().toString()).setControllerId(view.controllerId(image));
    if (request.includeClusterAuthorizedOperations()) {
      response.setClusterAuthorizedOperations(Operations.CLUSTER);
    }
    view.brokers(image)
        .forEach(
            (id, endpoint) ->
                response
                    .brokers()
                    .add(
                        new DescribeClusterBroker()
                            .setBrokerId(id)
                            .setHost(endpoint.host())
                            .setPort(endpoint.port())));
    answer.send(response);
  }

  void partitions(Call call, DescribeTopicPartitionsRequestData request, Answer answer) {
    ClusterImage own = view.image();
    if (request.topics().stream().allMatch(topic -> own.topic(topic.name()) != null)) {
      answer.send(partitions(request, own, Errors.UNKNOWN_TOPIC_OR_PARTITION));
      return;
    }
    view.confirmed(
        call,
        latest ->
            answer.send(
                latest.fold(
                    image -> partitions(request, image, Errors.UNKNOWN_TOPIC_OR_PARTITION),
                    error -> partitions(request, view.image(), Errors.LEADER_NOT_AVAILABLE))));
  }

  private DescribeTopicPartitionsResponseData partitions(
      DescribeTopicPartitionsRequestData request, ClusterImage image, Errors missing) {
    TreeSet<String> names = new TreeSet<>();
    request.topics().forEach(topic -> names.add(topic.name()));
    if (names.isEmpty()) {
      names.addAll(image.topicNames().keySet());
    }
    DescribeTopicPartitionsRequestData.Cursor from = request.cursor();
    int room = Math.max(1, Math.min(MOST_PARTITIONS, request.responsePartitionLimit()));
    DescribeTopicPartitionsResponseData response = new DescribeTopicPartitionsResponseData();
    for (String name : from == null ? names : names.tailSet(from.topicName())) {
      int first = from != null && name.equals(from.topicName()) ? from.partitionIndex() : 0;
      if (room == 0) {
        response.setNextCursor(new Cursor().setTopicName(name).setPartitionIndex(first));
        break;
      }
      TopicImage topic = image.topic(name);
      if (topic == null) {
        response
            .topics()
            .add(
                new DescribeTopicPartitionsResponseTopic()
                    .setName(name)
                    .setErrorCode(
                        (Refusals.badTopicName("name", name) == null
                                ? missing
                                : Errors.INVALID_TOPIC_EXCEPTION)
                            .code()));
        continue;
      }
      int end = Math.min(topic.partitions().size(), Math.max(0, first) + room);
      DescribeTopicPartitionsResponseTopic told =
          new DescribeTopicPartitionsResponseTopic()
              .setName(name)
              .setTopicId(ClusterView.uuid(topic.id()))
              .setTopicAuthorizedOperations(Operations.TOPIC)
              .setPartitions(new ArrayList<>());
      response.topics().add(told);
      for (int i = Math.max(0, first); i < end; i++) {
        told.partitions().add(partition(image, topic, i));
        room--;
      }
      if (end < topic.partitions().size()) {
        response.setNextCursor(new Cursor().setTopicName(name).setPartitionIndex(end));
        break;
      }
    }
    return response;
  }

  private DescribeTopicPartitionsResponsePartition partition(
      ClusterImage image, TopicImage topic, int number) {
    PartitionImage partition = topic.partitions().get(number);
    ClusterView.PartitionView seen = view.partition(image, partition);
    return new DescribeTopicPartitionsResponsePartition()
        .setPartitionIndex(number)
        .setErrorCode(seen.error().code())
        .setLeaderId(seen.leader())
        .setLeaderEpoch(seen.leaderEpoch())
        .setReplicaNodes(seen.replicas())
        .setIsrNodes(seen.isr())
        .setEligibleLeaderReplicas(partition.elr())
        .setLastKnownElr(partition.lastKnownElr())
        .setOfflineReplicas(seen.offline());
  }

  /** This broker's directory, with the replicas in it. */
  void logDirs(Call call, DescribeLogDirsRequestData request, Answer answer) {
    services
        .admin()
        .cluster()
        .brokers(
            call.unbounded(),
            true,
            view.image().index(),
            brokers ->
                services
                    .sizes()
                    .sizes(
                        call.loop(),
                        sizes -> answer.send(logDirs(call, wanted(request, sizes), brokers))));
  }

  private DescribeLogDirsResponseData logDirs(
      Call call, List<DescribeLogDirsTopic> topics, Result<ClusterAdmin.Brokers> brokers) {
    DescribeLogDirsResponseData response = new DescribeLogDirsResponseData();
    List<DescribeLogDirsResult> results = new ArrayList<>();
    if (brokers instanceof Result.Err<ClusterAdmin.Brokers> failed) {
      return response.setErrorCode(KafkaErrors.of(failed.error()).code());
    }
    for (ClusterAdmin.BrokerView broker :
        ((Result.Ok<ClusterAdmin.Brokers>) brokers).value().brokers()) {
      if (broker.broker().id() != services.brokerId()) {
        continue;
      }
      for (LogDir dir : broker.logDirs()) {
        DescribeLogDirsResult result = new DescribeLogDirsResult().setLogDir(dir.path());
        if (dir.state() == LogDir.State.OFFLINE) {
          result.setErrorCode(Errors.KAFKA_STORAGE_ERROR.code());
        } else {
          result.setTopics(topics); // there is one directory
        }
        if (call.version() >= 4) {
          result.setTotalBytes(dir.totalBytes()).setUsableBytes(dir.usableBytes());
        }
        results.add(result);
      }
    }
    return response.setResults(results);
  }

  /** Those that are asked for, all without a list; topics in the order of their names. */
  private List<DescribeLogDirsTopic> wanted(
      DescribeLogDirsRequestData request, List<ReplicaSizes.Size> sizes) {
    ClusterImage image = view.image();
    TreeMap<String, DescribeLogDirsTopic> topics = new TreeMap<>();
    for (ReplicaSizes.Size size : sizes) {
      TopicImage topic = image.topics().get(size.partition().topicId());
      int number = size.partition().partition();
      if (topic == null || !asks(request, topic.name(), number)) {
        continue;
      }
      topics
          .computeIfAbsent(topic.name(), name -> new DescribeLogDirsTopic().setName(name))
          .partitions()
          .add(
              new DescribeLogDirsPartition()
                  .setPartitionIndex(number)
                  .setPartitionSize(size.bytes())
                  .setOffsetLag(size.lag()));
    }
    return List.copyOf(topics.values());
  }

  private static boolean asks(DescribeLogDirsRequestData request, String topic, int partition) {
    if (request.topics() == null) {
      return true;
    }
    DescribableLogDirTopic named = request.topics().find(topic);
    return named != null && named.partitions().contains(partition);
  }
}
