package io.kontiki.kafka.api;

import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource;
import org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigType;

/** Lines of a configuration as Kafka numbers them. */
final class ConfigText {
  private ConfigText() {}

  static byte source(ConfigOrigin origin) {
    return (switch (origin) {
          case TOPIC -> ConfigSource.TOPIC_CONFIG;
          case FILE, ENVIRONMENT, COMMAND_LINE -> ConfigSource.STATIC_BROKER_CONFIG;
          case DEFAULT -> ConfigSource.DEFAULT_CONFIG;
        })
        .id();
  }

  static byte type(ConfigLine line) {
    String value = line.value();
    if (value.equals("true") || value.equals("false")) {
      return ConfigType.BOOLEAN.id();
    }
    if (line.key().equals("cleanup.policy")) {
      return ConfigType.LIST.id();
    }
    if (line.key().endsWith(".ratio")) {
      return ConfigType.DOUBLE.id();
    }
    return (value.matches("-?[0-9]{1,19}") ? ConfigType.LONG : ConfigType.STRING).id();
  }
}
