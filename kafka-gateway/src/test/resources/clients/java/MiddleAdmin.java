import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.config.ConfigResource;

/** The first versions of Kafka's admin client, 0.11 to 1.1. */
public final class MiddleAdmin {
  public static void main(String[] args) throws Exception {
    String topic = args[1];
    try (AdminClient admin = AdminClient.create(Collections.<String, Object>singletonMap("bootstrap.servers", args[0]))) {
      admin.createTopics(Collections.singleton(new NewTopic(topic, 3, (short) 3))).all().get();
      TopicDescription described = admin.describeTopics(Collections.singleton(topic)).all().get().get(topic);
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      String retention = admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get("retention.ms").value();
      if (described.partitions().size() != 3
          || described.partitions().get(0).replicas().size() != 3
          || admin.describeCluster().nodes().get().isEmpty()
          || Long.parseLong(retention) == 0) {
        throw new AssertionError(described);
      }
      admin.createTopics(Collections.singleton(new NewTopic(topic + "-gone", 1, (short) 3))).all().get();
      admin.deleteTopics(Collections.singleton(topic + "-gone")).all().get();
    }
  }
}
