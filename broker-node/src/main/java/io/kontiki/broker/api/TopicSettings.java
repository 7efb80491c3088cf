package io.kontiki.broker.api;

import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.TopicImage;

/** A setting that the request path needs often: read without taking all of them apart. */
public final class TopicSettings {
  private TopicSettings() {}

  /** Greatest batch in bytes. */
  public static int maxMessageBytes(TopicImage topic) {
    return topic.config().containsKey("max.message.bytes")
        ? TopicConfig.of(topic.config()).maxMessageBytes()
        : TopicConfig.DEFAULT.maxMessageBytes();
  }
}
