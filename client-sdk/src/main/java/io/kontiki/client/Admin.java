package io.kontiki.client;

import com.google.protobuf.Timestamp;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.Broker;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.CreateTopicResponse;
import io.kontiki.v1.DeleteTopicRequest;
import io.kontiki.v1.DeleteTopicResponse;
import io.kontiki.v1.DescribeClusterRequest;
import io.kontiki.v1.DescribeClusterResponse;
import io.kontiki.v1.DescribeQuorumRequest;
import io.kontiki.v1.DescribeQuorumResponse;
import io.kontiki.v1.DescribeTopicRequest;
import io.kontiki.v1.DescribeTopicResponse;
import io.kontiki.v1.ListBrokersRequest;
import io.kontiki.v1.ListBrokersResponse;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.ListTopicsRequest;
import io.kontiki.v1.ListTopicsResponse;
import io.kontiki.v1.ListedOffset;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.RaftGroup;
import io.kontiki.v1.TopicDescription;
import io.kontiki.v1.TopicSummary;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Administration: any broker is asked, and another one if it does not answer. Answers are the
 * messages of the public contract. Futures fail with {@link KontikiException}; a change that fails
 * with {@code definite()} false may have been made. They complete on the client's thread, as those
 * of {@link Producer} do. Thread-safe.
 */
public final class Admin {
  private final UnaryCalls calls;
  private final long timeoutNanos;

  Admin(UnaryCalls calls, Duration timeout) {
    this.calls = calls;
    this.timeoutNanos = timeout.toNanos();
  }

  /** A topic with the cluster's defaults. */
  public CompletableFuture<TopicDescription> createTopic(String name) {
    return createTopic(CreateTopicRequest.newBuilder().setName(name).build());
  }

  /** A topic with so many partitions and replicas, and settings that differ from the defaults. */
  public CompletableFuture<TopicDescription> createTopic(
      String name, int partitions, int replicationFactor, Map<String, String> config) {
    return createTopic(
        CreateTopicRequest.newBuilder()
            .setName(name)
            .setPartitions(partitions)
            .setReplicationFactor(replicationFactor)
            .putAllConfig(config)
            .build());
  }

  /**
   * A topic. If the outcome of the call is lost and the topic is there afterwards as it was asked
   * for, that counts as success (rule M21).
   */
  public CompletableFuture<TopicDescription> createTopic(CreateTopicRequest request) {
    return calls
        .call(
            AdminServiceGrpc.getCreateTopicMethod(),
            request,
            timeoutNanos,
            UnaryCalls.Repeat.IF_DEFINITE)
        .thenApply(CreateTopicResponse::getTopic)
        .exceptionallyCompose(failure -> findCreated(request, failure));
  }

  /** Deletes a topic: the name is free at once. */
  public CompletableFuture<Void> deleteTopic(String name) {
    return calls
        .call(
            AdminServiceGrpc.getDeleteTopicMethod(),
            DeleteTopicRequest.newBuilder().setName(name).build(),
            timeoutNanos,
            UnaryCalls.Repeat.IF_DEFINITE)
        .thenAccept((DeleteTopicResponse response) -> {});
  }

  /** All topics by name, without those that Kontiki keeps for itself. */
  public CompletableFuture<List<TopicSummary>> listTopics() {
    return listTopics(new ArrayList<>(), "");
  }

  /** A topic with its partitions and their offsets. */
  public CompletableFuture<TopicDescription> describeTopic(String name) {
    return calls
        .call(
            AdminServiceGrpc.getDescribeTopicMethod(),
            DescribeTopicRequest.newBuilder().setName(name).build(),
            timeoutNanos,
            UnaryCalls.Repeat.SAFE)
        .thenApply(DescribeTopicResponse::getTopic);
  }

  /** The cluster at a glance, from a broker's own copy: answers without a quorum, too. */
  public CompletableFuture<DescribeClusterResponse> describeCluster() {
    return calls.call(
        AdminServiceGrpc.getDescribeClusterMethod(),
        DescribeClusterRequest.newBuilder().setMinMetadataIndex(0).build(),
        timeoutNanos,
        UnaryCalls.Repeat.SAFE);
  }

  /** Every registered broker, from a broker's own copy. */
  public CompletableFuture<List<Broker>> listBrokers() {
    return calls
        .call(
            AdminServiceGrpc.getListBrokersMethod(),
            ListBrokersRequest.newBuilder().setMinMetadataIndex(0).build(),
            timeoutNanos,
            UnaryCalls.Repeat.SAFE)
        .thenApply(ListBrokersResponse::getBrokersList);
  }

  /** The Raft groups. */
  public CompletableFuture<List<RaftGroup>> describeQuorum() {
    return calls
        .call(
            AdminServiceGrpc.getDescribeQuorumMethod(),
            DescribeQuorumRequest.getDefaultInstance(),
            timeoutNanos,
            UnaryCalls.Repeat.SAFE)
        .thenApply(DescribeQuorumResponse::getGroupsList);
  }

  /**
   * Offsets of a topic's partitions.
   *
   * @param partitions empty: all
   * @return by partition
   */
  public CompletableFuture<Map<Integer, Long>> listOffsets(
      String topic, List<Integer> partitions, StartAt at) {
    return calls
        .call(
            LogServiceGrpc.getListOffsetsMethod(),
            ListOffsetsRequest.newBuilder()
                .setTopic(topic)
                .addAllPartitions(partitions)
                .setAt(specOf(at))
                .build(),
            timeoutNanos,
            UnaryCalls.Repeat.SAFE)
        .thenApply(Admin::byPartition);
  }

  private CompletableFuture<List<TopicSummary>> listTopics(List<TopicSummary> found, String token) {
    return calls
        .call(
            AdminServiceGrpc.getListTopicsMethod(),
            ListTopicsRequest.newBuilder().setPageToken(token).build(),
            timeoutNanos,
            UnaryCalls.Repeat.SAFE)
        .thenCompose(
            (ListTopicsResponse page) -> {
              found.addAll(page.getTopicsList());
              return page.getNextPageToken().isEmpty()
                  ? CompletableFuture.completedFuture(List.copyOf(found))
                  : listTopics(found, page.getNextPageToken());
            });
  }

  private CompletableFuture<TopicDescription> findCreated(
      CreateTopicRequest request, Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (!(cause instanceof KontikiException error) || error.definite()) {
      return CompletableFuture.failedFuture(cause == null ? failure : cause);
    }
    return describeTopic(request.getName())
        .thenApply(
            topic -> {
              if (isAsAsked(request, topic)) {
                return topic;
              }
              throw new KontikiException(
                  ApiError.definite(
                          ErrorReason.TOPIC_EXISTS,
                          "topic '" + request.getName() + "' exists with other settings")
                      .with("topic", request.getName()));
            })
        .exceptionallyCompose(
            second -> {
              Throwable inner = second instanceof CompletionException ? second.getCause() : second;
              boolean told =
                  inner instanceof KontikiException e && e.reason() == ErrorReason.TOPIC_EXISTS;
              return CompletableFuture.failedFuture(told ? inner : error);
            });
  }

  private static boolean isAsAsked(CreateTopicRequest request, TopicDescription topic) {
    boolean partitionsMatch =
        !request.hasPartitions() || request.getPartitions() == topic.getPartitionsCount();
    boolean replicasMatch =
        !request.hasReplicationFactor()
            || (topic.getPartitionsCount() > 0
                && topic.getPartitions(0).getReplicasCount() == request.getReplicationFactor());
    return partitionsMatch
        && replicasMatch
        && topic.getConfigMap().entrySet().containsAll(request.getConfigMap().entrySet());
  }

  static OffsetSpec specOf(StartAt at) {
    if (at instanceof StartAt.At exact) {
      return OffsetSpec.newBuilder().setOffset(exact.offset()).build();
    }
    if (at instanceof StartAt.From from) {
      Instant time = from.time();
      Timestamp timestamp =
          Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
      return OffsetSpec.newBuilder().setTimestamp(timestamp).build();
    }
    boolean latest = ((StartAt.Anchor) at).latest();
    return OffsetSpec.newBuilder()
        .setAnchor(latest ? OffsetAnchor.OFFSET_ANCHOR_LATEST : OffsetAnchor.OFFSET_ANCHOR_EARLIEST)
        .build();
  }

  private static Map<Integer, Long> byPartition(ListOffsetsResponse response) {
    Map<Integer, Long> offsets = new TreeMap<>();
    for (ListedOffset offset : response.getOffsetsList()) {
      if (offset.hasOffset()) {
        offsets.put(offset.getPartition(), offset.getOffset());
      }
    }
    return offsets;
  }
}
