package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreatePartitionsOptions;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.InvalidReplicaAssignmentException;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients that say on which brokers the replicas of new partitions are. */
class NamedReplicasTest {
  private static void refused(KafkaFuture<?> future) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS));
    assertInstanceOf(InvalidReplicaAssignmentException.class, failed.getCause());
  }

  private static List<List<Integer>> replicas(Admin admin, String topic) throws Exception {
    return admin
        .describeTopics(List.of(topic))
        .allTopicNames()
        .get(30, TimeUnit.SECONDS)
        .get(topic)
        .partitions()
        .stream()
        .map(one -> one.replicas().stream().map(Node::id).toList())
        .toList();
  }

  @Test
  void partitionsAreMadeWhereClientsNameBrokers(@TempDir Path dir) throws Exception {
    try (RealNodes nodes = new RealNodes(dir, 3);
        Admin admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()))) {
      Map<Integer, List<Integer>> named = Map.of(0, List.of(3, 1), 1, List.of(2, 3));
      admin
          .createTopics(
              List.of(new NewTopic("t", named)), new CreateTopicsOptions().validateOnly(true))
          .all()
          .get(30, TimeUnit.SECONDS);
      admin.createTopics(List.of(new NewTopic("t", named))).all().get(60, TimeUnit.SECONDS);
      assertEquals(List.of(List.of(3, 1), List.of(2, 3)), replicas(admin, "t"));
      refused(admin.createTopics(List.of(new NewTopic("u", Map.of(0, List.of(1, 9))))).all());
      refused(admin.createTopics(List.of(new NewTopic("u", Map.of(0, List.of(1, 1))))).all());
      refused(admin.createTopics(List.of(new NewTopic("u", Map.of(1, List.of(1, 2))))).all());

      Map<String, NewPartitions> more =
          Map.of("t", NewPartitions.increaseTo(3, List.of(List.of(2, 1))));
      admin
          .createPartitions(more, new CreatePartitionsOptions().validateOnly(true))
          .all()
          .get(30, TimeUnit.SECONDS);
      assertEquals(2, replicas(admin, "t").size());
      admin.createPartitions(more).all().get(60, TimeUnit.SECONDS);
      assertEquals(List.of(List.of(3, 1), List.of(2, 3), List.of(2, 1)), replicas(admin, "t"));
      refused(
          admin
              .createPartitions(Map.of("t", NewPartitions.increaseTo(5, List.of(List.of(2, 1)))))
              .all());
      refused(
          admin
              .createPartitions(Map.of("t", NewPartitions.increaseTo(4, List.of(List.of(2)))))
              .all());

      // the Java client cannot say both
      CreatableTopic both = new CreatableTopic().setName("v").setNumPartitions(1);
      both.assignments()
          .add(new CreatableReplicaAssignment().setPartitionIndex(0).setBrokerIds(List.of(1)));
      CreateTopicsRequestData request = new CreateTopicsRequestData().setTimeoutMs(10_000);
      request.topics().add(both);
      try (RawClient client = new RawClient(nodes.kafka(1))) {
        CreateTopicsResponseData answer =
            client.call(ApiKeys.CREATE_TOPICS, 5, request, CreateTopicsResponseData.class);
        assertEquals(Errors.INVALID_REQUEST.code(), answer.topics().find("v").errorCode());
      }
      assertTrue(admin.listTopics().names().get().contains("t"));
    }
  }
}
