package io.kontiki.broker.api;

import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;

/** Settings of a topic that the request path needs often: read without taking all of them apart. */
public final class TopicSettings {
  private TopicSettings() {}

  /** Greatest batch in bytes. */
  public static int maxMessageBytes(TopicImage topic) {
    return topic.config().containsKey("max.message.bytes")
        ? TopicConfig.of(topic.config()).maxMessageBytes()
        : TopicConfig.DEFAULT.maxMessageBytes();
  }

  /** In-sync replicas that acks=all needs (rule R37). */
  public static int minIsr(TopicImage topic, PartitionImage partition) {
    int replicas = partition.replicas().size() - partition.adding().size();
    return topic.config().containsKey("min.insync.replicas")
        ? TopicConfig.of(topic.config()).minInsyncReplicas(replicas)
        : TopicConfig.DEFAULT.minInsyncReplicas(replicas);
  }
}
