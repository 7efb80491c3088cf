package io.kontiki.model;

/**
 * A partition by the id of its topic: what every message, directory and waiting request carries
 * (rule R46).
 *
 * @param topicId the topic
 * @param partition its number, from 0
 */
public record PartitionId(TopicId topicId, int partition) implements Comparable<PartitionId> {
  /** The name of its directory: {@code <topic id>-<partition>}. */
  public String directoryName() {
    return topicId + "-" + partition;
  }

  /**
   * Reads a directory name.
   *
   * @throws IllegalArgumentException if it is not one
   */
  public static PartitionId parseDirectoryName(String name) {
    if (name.length() < 24 || name.charAt(22) != '-') {
      throw new IllegalArgumentException("'" + name + "' is not <topic id>-<partition>");
    }
    int number = Integer.parseInt(name.substring(23));
    PartitionId id = new PartitionId(TopicId.parse(name.substring(0, 22)), number);
    if (number < 0 || !id.directoryName().equals(name)) {
      throw new IllegalArgumentException("'" + name + "' is not <topic id>-<partition>");
    }
    return id;
  }

  @Override
  public int compareTo(PartitionId other) {
    int order = topicId.compareTo(other.topicId);
    return order != 0 ? order : Integer.compare(partition, other.partition);
  }

  @Override
  public String toString() {
    return directoryName();
  }
}
