package io.kontiki.chaos.run.cluster;

/**
 * Packets that get lost: those from one node to one address of another.
 *
 * @param from {@link #CLIENTS}, or the node that sends
 * @param to the node that does not hear
 */
public record Cut(int from, int to, Lane lane) {
  /** In place of a node: where the clients are. */
  public static final int CLIENTS = 0;
}
