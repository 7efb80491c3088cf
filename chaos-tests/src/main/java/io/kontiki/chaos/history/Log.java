package io.kontiki.chaos.history;

/**
 * One partition, as a history names it.
 *
 * @param topic what no other topic of the history is called: its id, or a name that is used once
 * @param partition its number, from 0
 */
public record Log(String topic, int partition) implements Comparable<Log> {
  @Override
  public int compareTo(Log other) {
    int order = topic.compareTo(other.topic);
    return order != 0 ? order : Integer.compare(partition, other.partition);
  }

  @Override
  public String toString() {
    return topic + "-" + partition;
  }
}
