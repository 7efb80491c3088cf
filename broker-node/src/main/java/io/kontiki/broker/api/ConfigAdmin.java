package io.kontiki.broker.api;

import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import io.kontiki.config.Config;
import io.kontiki.config.ConfigKey;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Tells what configuration is in force. Stateless; any loop. */
public final class ConfigAdmin {
  private final TopicLookup lookup;
  private final NodeReports reports;

  public ConfigAdmin(Metadata metadata, NodeReports reports) {
    this.lookup = new TopicLookup(metadata);
    this.reports = reports;
  }

  /** All settings of a topic, by key. */
  public void ofTopic(
      CallContext call, String topic, Completion<Result<List<ConfigLine>>> completion) {
    lookup.topic(call, topic, found -> completion.complete(found.map(ConfigAdmin::lines)));
  }

  private static List<ConfigLine> lines(TopicImage topic) {
    int replicas = topic.replicationFactor();
    Map<String, String> inForce = TopicConfig.of(topic.config()).toMap(replicas);
    Map<String, String> builtIn = TopicConfig.DEFAULT.toMap(replicas);
    List<ConfigLine> lines = new ArrayList<>();
    for (ConfigKey<?> key : TopicConfig.KEYS) {
      lines.add(
          new ConfigLine(
              key.name(),
              inForce.getOrDefault(key.name(), key.defaultText()),
              builtIn.getOrDefault(key.name(), key.defaultText()),
              topic.config().containsKey(key.name()) ? ConfigOrigin.TOPIC : ConfigOrigin.DEFAULT,
              key.unit(),
              key.doc()));
    }
    lines.sort(Comparator.comparing(ConfigLine::key));
    return lines;
  }

  /** The configuration of a broker, which is asked itself. */
  public void ofBroker(
      CallContext call, int brokerId, Completion<Result<List<ConfigLine>>> completion) {
    lookup.<BrokerImage>confirmed(
        call,
        image -> image.brokers().get(brokerId),
        image -> Refusals.brokerNotFound(brokerId),
        "broker " + brokerId,
        broker -> {
          if (broker instanceof Result.Ok<BrokerImage> found) {
            reports.config(found.value(), call.answerByNanos(), call.home(completion));
          } else {
            completion.complete(Result.error(((Result.Err<BrokerImage>) broker).error()));
          }
        });
  }

  /** A broker's own configuration as {@link OwnReports} tells it, by key. */
  public static List<ConfigLine> lines(Config config, List<ConfigKey<?>> keys) {
    List<ConfigLine> lines = new ArrayList<>();
    for (ConfigKey<?> key : keys) {
      lines.add(
          new ConfigLine(
              key.name(),
              config.text(key),
              key.defaultText(),
              switch (config.source(key)) {
                case DEFAULT -> ConfigOrigin.DEFAULT;
                case FILE -> ConfigOrigin.FILE;
                case ENVIRONMENT -> ConfigOrigin.ENVIRONMENT;
                case COMMAND_LINE -> ConfigOrigin.COMMAND_LINE;
              },
              key.unit(),
              key.doc()));
    }
    lines.sort(Comparator.comparing(ConfigLine::key));
    return List.copyOf(lines);
  }
}
