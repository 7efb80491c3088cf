package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import io.kontiki.proto.Failures;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.LeaderHint;
import io.kontiki.record.RecordBatch;
import io.kontiki.v1.Broker;
import io.kontiki.v1.BrokerState;
import io.kontiki.v1.PartitionDescription;
import io.kontiki.v1.TopicDescription;
import io.kontiki.v1.WatchClusterResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/**
 * Brokers on real sockets that share their logs in memory: for what the client does with streams,
 * leaders and credit. Appends are committed at once. All state under its monitor.
 */
final class FakeCluster implements AutoCloseable {
  /** One partition's log. */
  static final class Log {
    final List<ByteBuffer> batches = new ArrayList<>();
    final Map<String, AppendResponse> answered = new TreeMap<>();
    final Map<Long, int[]> producers = new TreeMap<>();
    int leader;
    int epoch = 1;
    long start;
    long end;
  }

  private record Watcher(
      int broker, Set<String> topics, io.grpc.stub.StreamObserver<WatchClusterResponse> to) {}

  final Map<Integer, FakeBroker> brokers = new TreeMap<>();
  final Set<Integer> fenced = new TreeSet<>();
  final Map<String, TopicId> ids = new TreeMap<>();
  final Map<String, List<Log>> topics = new TreeMap<>();
  private final List<Watcher> watchers = new ArrayList<>();
  private final List<Runnable> onAppend = new CopyOnWriteArrayList<>();
  long index = 1;
  long nextProducerId = 1;
  int appends;

  /** Refuses appends that it accepts, once each. */
  volatile Predicate<AppendRequest> refuseOnce = request -> false;

  /** Never answers appends that it accepts. */
  volatile Predicate<AppendRequest> swallow = request -> false;

  /** As topics say; these brokers take more. */
  int maxMessageBytes = 1_000_000;

  FakeCluster(int size) throws IOException {
    for (int id = 1; id <= size; id++) {
      brokers.put(id, new FakeBroker(id, this));
    }
  }

  String bootstrap() {
    List<String> all = new ArrayList<>();
    brokers.values().forEach(broker -> all.add(broker.address()));
    return String.join(",", all);
  }

  synchronized void create(String name, int partitions) {
    ids.put(name, new TopicId(0x100L + index, 7));
    List<Log> logs = new ArrayList<>();
    for (int i = 0; i < partitions; i++) {
      Log log = new Log();
      log.leader = 1 + i % brokers.size();
      logs.add(log);
    }
    topics.put(name, logs);
    changed();
  }

  synchronized void delete(String name) {
    topics.remove(name);
    ids.remove(name);
    changed();
  }

  /** Another leader; tells the watchers or not. */
  synchronized void move(String name, int partition, int leader, boolean tell) {
    Log log = topics.get(name).get(partition);
    log.leader = leader;
    log.epoch++;
    if (tell) {
      changed();
    }
  }

  /** The broker dies; others lead what it led. */
  void kill(int id) {
    brokers.get(id).kill();
    synchronized (this) {
      watchers.removeIf(watcher -> watcher.broker() == id);
      int other = brokers.keySet().stream().filter(key -> key != id).findFirst().orElseThrow();
      for (List<Log> logs : topics.values()) {
        for (Log log : logs) {
          if (log.leader == id) {
            log.leader = other;
            log.epoch++;
          }
        }
      }
      changed();
    }
  }

  synchronized void watch(
      int broker, Set<String> names, io.grpc.stub.StreamObserver<WatchClusterResponse> to) {
    Watcher watcher = new Watcher(broker, names, to);
    watchers.add(watcher);
    tell(watcher);
  }

  /** The metadata of a broker that others no longer count on. */
  synchronized void fence(int id) {
    fenced.add(id);
    changed();
  }

  /** A broker that was frozen sees what has changed. */
  synchronized void catchUp(int id) {
    for (Watcher watcher : List.copyOf(watchers)) {
      if (watcher.broker() == id) {
        tell(watcher);
      }
    }
    onAppend.forEach(Runnable::run);
  }

  private void changed() {
    index++;
    for (Watcher watcher : List.copyOf(watchers)) {
      if (!brokers.get(watcher.broker()).isFrozen()) {
        tell(watcher);
      }
    }
    onAppend.forEach(Runnable::run);
  }

  private void tell(Watcher watcher) {
    WatchClusterResponse.Builder view =
        WatchClusterResponse.newBuilder()
            .setMetadataIndex(index)
            .setSnapshot(true)
            .setComplete(true)
            .setClusterId("cluster");
    brokers.forEach(
        (id, broker) ->
            view.addBrokers(
                Broker.newBuilder()
                    .setBrokerId(id)
                    .setGrpcAddress(broker.address())
                    .setState(
                        fenced.contains(id)
                            ? BrokerState.BROKER_STATE_FENCED
                            : BrokerState.BROKER_STATE_ACTIVE)));
    for (String name : watcher.topics()) {
      if (topics.containsKey(name)) {
        view.addTopics(describe(name));
      }
    }
    try {
      watcher.to().onNext(view.build());
    } catch (RuntimeException e) {
      watchers.remove(watcher);
    }
  }

  synchronized TopicDescription describe(String name) {
    TopicDescription.Builder topic =
        TopicDescription.newBuilder().setName(name).setTopicId(ids.get(name).toString());
    topic.putConfig("max.message.bytes", Integer.toString(maxMessageBytes));
    List<Log> logs = topics.get(name);
    for (int i = 0; i < logs.size(); i++) {
      topic.addPartitions(
          PartitionDescription.newBuilder()
              .setPartition(i)
              .setLeader(logs.get(i).leader)
              .setLeaderEpoch(logs.get(i).epoch)
              .addReplicas(1));
    }
    return topic.build();
  }

  synchronized Log find(com.google.protobuf.ByteString topicId, int partition) {
    TopicId wanted = TopicId.of(topicId.asReadOnlyByteBuffer());
    for (Map.Entry<String, TopicId> topic : ids.entrySet()) {
      if (topic.getValue().equals(wanted)) {
        return topics.get(topic.getKey()).get(partition);
      }
    }
    return null;
  }

  /** The answer to an append; null: none is given. */
  synchronized AppendResponse append(int broker, AppendRequest request, ByteBuffer bytes) {
    AppendResponse.Builder answer =
        AppendResponse.newBuilder().setCorrelationId(request.getCorrelationId());
    Log log = find(request.getTopicId(), request.getPartition());
    if (log == null) {
      return refuse(answer, ErrorReason.TOPIC_NOT_FOUND);
    }
    if (log.leader != broker || log.epoch != request.getLeaderEpoch()) {
      answer.setLeader(
          LeaderHint.newBuilder()
              .setBrokerId(log.leader)
              .setGrpcAddress(brokers.get(log.leader).address())
              .setLeaderEpoch(log.epoch));
      return refuse(answer, ErrorReason.NOT_LEADER);
    }
    if (refuseOnce.test(request)) {
      refuseOnce = any -> false;
      return refuse(answer, ErrorReason.NOT_ENOUGH_REPLICAS);
    }
    // A copy, as if it came from the wire.
    ByteBuffer copy = ByteBuffer.allocate(bytes.remaining());
    copy.put(bytes).flip();
    RecordBatch batch = RecordBatch.at(copy);
    if (batch.producerId() >= 0) {
      String key = batch.producerId() + "/" + batch.producerEpoch() + "/" + batch.baseSequence();
      AppendResponse first = log.answered.get(key);
      if (first != null) {
        return first.toBuilder().setCorrelationId(request.getCorrelationId()).build();
      }
      int[] state = log.producers.getOrDefault(batch.producerId(), new int[] {-1, 0});
      int expected = batch.producerEpoch() > state[0] ? 0 : state[1];
      if (batch.producerEpoch() < state[0] || batch.baseSequence() != expected) {
        return refuse(answer, ErrorReason.SEQUENCE_OUT_OF_ORDER);
      }
      log.producers.put(
          batch.producerId(), new int[] {batch.producerEpoch(), batch.lastSequence() + 1});
      answer.setBaseOffset(log.end);
      log.answered.put(key, answer.build());
    }
    batch.stamp(log.end, log.epoch);
    answer.setBaseOffset(log.end);
    log.batches.add(copy);
    log.end = batch.nextOffset();
    appends++;
    onAppend.forEach(Runnable::run);
    return swallow.test(request) ? null : answer.setHighWatermark(log.end).build();
  }

  void onAppend(Runnable told) {
    onAppend.add(told);
  }

  private static AppendResponse refuse(AppendResponse.Builder answer, ErrorReason reason) {
    ApiError error = ApiError.definite(reason, "refused by the fake");
    return answer.setFailure(Failures.toFailure(error)).build();
  }

  /** Turns one bit in the last byte of a batch. */
  synchronized void damage(String name, int partition, int batch) {
    ByteBuffer bytes = topics.get(name).get(partition).batches.get(batch);
    int last = bytes.limit() - 1;
    bytes.put(last, (byte) (bytes.get(last) ^ 1));
  }

  /** Deletes batches below an offset. */
  synchronized void trim(String name, int partition, long before) {
    Log log = topics.get(name).get(partition);
    Iterator<ByteBuffer> batches = log.batches.iterator();
    while (batches.hasNext()) {
      if (RecordBatch.at(batches.next()).nextOffset() <= before) {
        batches.remove();
      }
    }
    log.start = before;
  }

  @Override
  public void close() {
    brokers.values().forEach(FakeBroker::kill);
  }
}
