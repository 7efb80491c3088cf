package io.kontiki.group;

import io.kontiki.model.TopicId;

/**
 * A topic as a command told it (rule G7).
 *
 * @param partitions how many it has
 */
public record KnownTopic(TopicId id, String name, int partitions) {}
