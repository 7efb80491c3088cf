package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A cluster that faults are made on.
 *
 * <ul>
 *   <li>What needs an {@link Ability} that is among {@link #missing} throws
 *       UnsupportedOperationException.
 *   <li>What does not work throws IllegalStateException, with what was tried and what came of it.
 *   <li>One thread at a time, but {@link #close}: any thread, at any time, also twice. It leaves
 *       nothing behind but logs and data.
 * </ul>
 */
public interface Target extends AutoCloseable {
  /** Of all nodes, from 1. */
  List<Integer> ids();

  /** Where clients reach a node. */
  Endpoint grpc(int id);

  /** Where its health and administration are. */
  Endpoint http(int id);

  /** Where Kafka's clients reach a node, if that is served. */
  Optional<Endpoint> kafka(int id);

  /** What connects the nodes, for people; empty: nothing that this suite made. */
  default String description() {
    return "";
  }

  /** What cannot be done to it, and why. */
  Map<Ability, String> missing();

  /** Starts a node that does not run; does not wait until it is ready. */
  void start(int id);

  /** Whether a node's process is there, frozen or not, as far as is known. */
  boolean isAlive(int id);

  /** SIGKILL to these as close together as can be; returns when they have gone. */
  void kill(Collection<Integer> ids);

  /** Asks a node to stop, and waits. */
  void stop(int id);

  /** SIGSTOP: it stands still, its connections stay. */
  void freeze(int id);

  /** SIGCONT. */
  void thaw(int id);

  /** Deletes all data of a node, which must not run. */
  void wipe(int id);

  /** The data directory of a node. */
  Path data(int id);

  /** Adds cuts to those that are there. */
  void cut(Collection<Cut> cuts);

  /** Takes a node off the network. */
  void cutOff(int id);

  /** Ends everything that was done to the network. */
  void heal();

  /** Makes a node's network slow; {@link #heal} ends it. */
  void slowNetwork(int id);

  /** Delays and drops at random; {@link #heal} ends it. */
  void lossyNetwork(int id);

  /** Leaves no room on a node's disk. */
  void fillDisk(int id);

  /** Takes away what filled it. */
  void freeDisk(int id);

  /** Kills these, and takes away everything that they had not synced. */
  void cutPower(Collection<Integer> ids);

  /**
   * Moves a node's wall clock, from now on also after restarts.
   *
   * @param seconds against the true time
   */
  void setClock(int id, long seconds);

  /**
   * Hinders system calls of a node.
   *
   * @param how in the words of strace's {@code inject}
   * @param seconds after which it ends
   */
  void hinder(int id, String how, int seconds);

  /** Ends all processes that were started, and gives back what was made. */
  @Override
  void close();

  /** gRPC addresses of all nodes. */
  default String bootstrap() {
    return ids().stream().map(id -> grpc(id).toString()).collect(Collectors.joining(","));
  }
}
