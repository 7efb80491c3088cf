package io.kontiki.metadata;

import io.kontiki.model.TopicId;
import java.util.List;

/**
 * A deleted topic (rule M20): stays until every broker that may hold a replica has confirmed.
 *
 * @param pendingBrokers sorted
 */
public record Tombstone(TopicId id, String name, List<Integer> pendingBrokers) {
  public Tombstone {
    pendingBrokers = List.copyOf(pendingBrokers);
  }
}
