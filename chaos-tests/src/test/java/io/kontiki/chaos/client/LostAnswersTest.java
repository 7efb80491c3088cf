package io.kontiki.chaos.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.kontiki.chaos.cluster.ProcessCluster;
import io.kontiki.chaos.cluster.ServerNode;
import io.kontiki.v1.Acks;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.LogServiceGrpc.LogServiceBlockingStub;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ProduceResponse;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Produce from stubs alone, with a producer id and a sequence: whatever answer is lost, the same
 * request through another broker, also under another leader, is answered as the first time and
 * stores nothing twice.
 */
final class LostAnswersTest {
  private static final String TOPIC = "orders";
  private static final int PARTITIONS = 3;
  private static final int REQUESTS = 120;
  private static final int KILL_EVERY = 40;
  private static final int TRIES = 200;
  private static final long PAUSE_NANOS = 50_000_000;
  private static final long SEED = 20_261_122;

  private final Random random = new Random(SEED);
  private final TreeMap<Integer, ManagedChannel> channels = new TreeMap<>();
  private final List<String> sent = new ArrayList<>();

  @Test
  void aRequestWhoseAnswerIsLostIsStoredOnceThroughWhicheverBrokerItIsRepeated() {
    try (ProcessCluster cluster = ProcessCluster.start("lost-answers", 3, Map.of())) {
      cluster.createTopic(TOPIC, PARTITIONS, 3, Map.of());
      cluster.awaitInSync(TOPIC, PARTITIONS, 3);
      for (ServerNode node : cluster.nodes()) {
        channels.put(node.id(), NettyChannelBuilder.forTarget(node.grpc()).usePlaintext().build());
      }
      long id = stub(1).initProducerId(InitProducerIdRequest.getDefaultInstance()).getProducerId();
      assertTrue(id >= 1L << 52, "an id of thin clients");
      for (int sequence = 0; sequence < REQUESTS; sequence++) {
        ProduceRequest request = request(id, sequence);
        int broker = 1 + random.nextInt(3);
        if (sequence % KILL_EVERY == KILL_EVERY / 2) {
          acrossLeaders(cluster, request, broker);
        } else if (random.nextBoolean()) {
          ProduceResponse lost = produce(broker, request); // stored, and nobody has heard of it
          assertEquals(lost, produce(broker % 3 + 1, request), "sequence " + sequence);
        } else {
          breakOff(broker, request); // stored or not: nobody knows
          produce(broker % 3 + 1, request);
        }
      }
      assertEquals(new TreeMap<>(counts(sent)), counts(stored()), "seed " + SEED);
    } finally {
      channels.values().forEach(ManagedChannel::shutdownNow);
    }
  }

  /** The answer is lost, and the leader with it. */
  private void acrossLeaders(ProcessCluster cluster, ProduceRequest request, int broker) {
    ProduceResponse lost = produce(broker, request);
    int leader = cluster.leader(TOPIC, lost.getPositions(0).getPartition()).orElseThrow();
    cluster.node(leader).kill();
    int other = leader % 3 + 1;
    assertEquals(lost, produce(other, request), "under another leader");
    cluster.node(leader).start();
    cluster.awaitInSync(TOPIC, PARTITIONS, 3);
    assertEquals(lost, produce(leader, request), "and through the one that comes back");
  }

  /** To a partition of its own choice, or of the broker's. */
  private ProduceRequest request(long id, int sequence) {
    ProduceRequest.Builder request =
        ProduceRequest.newBuilder()
            .setTopic(TOPIC)
            .setAcks(Acks.ACKS_ALL)
            .setProducerId(id)
            .setSequence(sequence);
    int records = 1 + random.nextInt(3);
    boolean keyed = random.nextBoolean();
    for (int i = 0; i < records; i++) {
      String value = sequence + "-" + i;
      LogRecord.Builder record = LogRecord.newBuilder().setValue(ByteString.copyFromUtf8(value));
      if (keyed) {
        record.setKey(ByteString.copyFromUtf8("key-" + random.nextInt(20)));
      }
      request.addRecords(record);
      sent.add(value);
    }
    if (random.nextInt(3) == 0) {
      request.setPartition(random.nextInt(PARTITIONS));
    }
    return request.build();
  }

  private ProduceResponse produce(int broker, ProduceRequest request) {
    for (int tries = 1; ; tries++) {
      try {
        return stub(broker).produce(request);
      } catch (StatusRuntimeException e) {
        if (tries == TRIES) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  /** Sends it and goes away before, while or after it is stored. */
  private void breakOff(int broker, ProduceRequest request) {
    try {
      var unused =
          LogServiceGrpc.newBlockingStub(channels.get(broker))
              .withDeadlineAfter(random.nextInt(8_000), TimeUnit.MICROSECONDS)
              .produce(request);
    } catch (StatusRuntimeException e) {
      // the outcome is not known
    }
  }

  private List<String> stored() {
    List<String> values = new ArrayList<>();
    Iterator<ReadResponse> all = stub(1).read(ReadRequest.newBuilder().setTopic(TOPIC).build());
    while (all.hasNext()) {
      all.next()
          .getRecords()
          .getRecordsList()
          .forEach(record -> values.add(record.getValue().toStringUtf8()));
    }
    return values;
  }

  private static TreeMap<String, Integer> counts(List<String> values) {
    TreeMap<String, Integer> counts = new TreeMap<>();
    values.forEach(value -> counts.merge(value, 1, Integer::sum));
    return counts;
  }

  private LogServiceBlockingStub stub(int broker) {
    return LogServiceGrpc.newBlockingStub(channels.get(broker))
        .withWaitForReady()
        .withDeadlineAfter(30, TimeUnit.SECONDS);
  }
}
