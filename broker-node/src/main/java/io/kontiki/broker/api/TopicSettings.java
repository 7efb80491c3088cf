package io.kontiki.broker.api;

import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A setting that the request path needs often: read without taking all of them apart. */
public final class TopicSettings {
  private static final String MAX_MESSAGE = "max.message.bytes";

  private TopicSettings() {}

  /** INVALID_CONFIG if a client's message cannot hold the greatest batch that these allow. */
  static @Nullable ApiError tooLarge(Map<String, String> config, int maxBatchBytes) {
    String text = config.get(MAX_MESSAGE);
    if (text == null
        || TopicConfig.of(Map.of(MAX_MESSAGE, text)).maxMessageBytes() <= maxBatchBytes) {
      return null;
    }
    return ApiError.definite(
            ErrorReason.INVALID_CONFIG,
            MAX_MESSAGE
                + " = "
                + text
                + " does not fit into a client's message; at most "
                + maxBatchBytes)
        .with("key", MAX_MESSAGE)
        .with("value", text);
  }

  /** Greatest batch in bytes. */
  public static int maxMessageBytes(TopicImage topic) {
    return topic.config().containsKey(MAX_MESSAGE)
        ? TopicConfig.of(topic.config()).maxMessageBytes()
        : TopicConfig.DEFAULT.maxMessageBytes();
  }
}
