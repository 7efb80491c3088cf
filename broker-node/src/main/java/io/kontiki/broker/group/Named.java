package io.kontiki.broker.group;

/** A partition as clients name it. */
public record Named(String topic, int partition) implements Comparable<Named> {
  @Override
  public int compareTo(Named other) {
    int order = topic.compareTo(other.topic);
    return order != 0 ? order : Integer.compare(partition, other.partition);
  }
}
