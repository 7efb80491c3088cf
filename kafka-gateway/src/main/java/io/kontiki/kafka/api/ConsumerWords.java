package io.kontiki.kafka.api;

import io.kontiki.group.ClassicMember;
import io.kontiki.group.Opaque;
import io.kontiki.model.PartitionId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.message.ConsumerProtocolAssignment;
import org.apache.kafka.common.utils.Utils;

/**
 * What consumers tell each other through their group, for people and for the question who
 * subscribes to what. Nothing that members do depends on it: what cannot be read says nothing.
 */
final class ConsumerWords {
  private ConsumerWords() {}

  static boolean spokenBy(String protocolType) {
    return protocolType.equals(ConsumerProtocol.PROTOCOL_TYPE);
  }

  /** Topics that a member subscribes to. */
  static List<String> topics(String protocolType, byte[] metadata) {
    if (!spokenBy(protocolType)) {
      return List.of();
    }
    try {
      ByteBuffer bytes = ByteBuffer.wrap(metadata);
      return List.copyOf(
          new TreeSet<>(ConsumerProtocol.deserializeConsumerProtocolSubscription(bytes).topics()));
    } catch (RuntimeException e) {
      return List.of(); // written by a client of its own mind
    }
  }

  /** What a member is to have. */
  static ClassicMember.Assigned assigned(ClusterView view, String protocolType, byte[] assignment) {
    Opaque bytes = Opaque.of(assignment);
    TreeSet<PartitionId> owned = new TreeSet<>();
    if (protocolType.isEmpty() || spokenBy(protocolType)) {
      try {
        for (ConsumerProtocolAssignment.TopicPartition topic :
            ConsumerProtocol.deserializeConsumerProtocolAssignment(ByteBuffer.wrap(assignment))
                .assignedPartitions()) {
          for (int number : topic.partitions()) {
            PartitionId id = view.partition(topic.topic(), number);
            if (id != null) {
              owned.add(id);
            }
          }
        }
      } catch (RuntimeException e) {
        owned.clear(); // of another protocol, or written by a client of its own mind
      }
    }
    return new ClassicMember.Assigned(bytes, owned);
  }

  /** A member of another kind of group as if it were a consumer of this one. */
  static byte[] subscription(List<String> topics) {
    return Utils.toArray(ConsumerProtocol.serializeSubscription(new Subscription(topics)));
  }

  /** The same of what it owns. */
  static byte[] assignment(TreeMap<String, TreeSet<Integer>> owned) {
    List<TopicPartition> partitions = new ArrayList<>();
    owned.forEach(
        (topic, numbers) ->
            numbers.forEach(number -> partitions.add(new TopicPartition(topic, number))));
    return Utils.toArray(ConsumerProtocol.serializeAssignment(new Assignment(partitions)));
  }
}
