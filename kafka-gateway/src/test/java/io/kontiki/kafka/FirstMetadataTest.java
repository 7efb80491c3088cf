package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kontiki.broker.RealNodes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.message.MetadataRequestData;
import org.apache.kafka.common.message.MetadataRequestData.MetadataRequestTopic;
import org.apache.kafka.common.message.MetadataResponseData;
import org.apache.kafka.common.message.MetadataResponseData.MetadataResponsePartition;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients of Kafka 0.8 look up every replica among the brokers that they were told. */
class FirstMetadataTest {
  private static MetadataResponseData ask(RawClient client, int version) throws Exception {
    MetadataRequestData request =
        new MetadataRequestData().setTopics(List.of(new MetadataRequestTopic().setName("t")));
    return client.call(ApiKeys.METADATA, version, request, MetadataResponseData.class);
  }

  private static MetadataResponsePartition partition(MetadataResponseData answer) {
    return answer.topics().find("t").partitions().get(0);
  }

  @Test
  void versionZeroNamesNoReplicaOnABrokerThatIsDown(@TempDir Path dir) throws Exception {
    try (RealNodes nodes = new RealNodes(dir, 3, "topic.default.durability=replicated")) {
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()))) {
        admin
            .createTopics(List.of(new NewTopic("t", Map.of(0, List.of(1, 2, 3)))))
            .all()
            .get(60, TimeUnit.SECONDS);
      }
      try (RawClient client = new RawClient(nodes.kafka(1))) {
        assertEquals(List.of(1, 2, 3), partition(ask(client, 0)).replicaNodes());
        nodes.stop(3);
        Awaitility.await()
            .atMost(Duration.ofSeconds(60))
            .until(() -> ask(client, 1).brokers().find(3) == null);
        MetadataResponsePartition old = partition(ask(client, 0));
        assertEquals(List.of(1, 2), old.replicaNodes());
        assertEquals(List.of(1, 2), old.isrNodes().stream().sorted().toList());
        assertEquals(Errors.REPLICA_NOT_AVAILABLE.code(), old.errorCode());
        assertEquals(List.of(1, 2, 3), partition(ask(client, 1)).replicaNodes());
        assertEquals(Errors.NONE.code(), partition(ask(client, 1)).errorCode());
      }
    }
  }
}
