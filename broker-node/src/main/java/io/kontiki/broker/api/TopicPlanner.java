package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.CreateTopic;
import io.kontiki.model.Result;
import java.util.SortedMap;

/** Makes the command for a new topic: its id and where its replicas go (rule R43). */
@FunctionalInterface
public interface TopicPlanner {
  /**
   * Plans a topic on the brokers of an image. Errors: TOPIC_EXISTS, TOO_FEW_BROKERS,
   * NOT_ENOUGH_REPLICAS.
   *
   * @param replicationFactor positive; 0: the smaller of 3 and the number of voters
   * @param config what is written into the metadata
   */
  Result<CreateTopic> plan(
      ClusterImage image,
      String name,
      int partitions,
      int replicationFactor,
      SortedMap<String, String> config);
}
