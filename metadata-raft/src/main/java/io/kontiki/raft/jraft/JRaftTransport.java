package io.kontiki.raft.jraft;

import io.grpc.ManagedChannel;
import io.grpc.ServerServiceDefinition;
import io.kontiki.model.Endpoint;
import java.util.function.Function;

/**
 * What all Raft groups of a node share: the service that peers call, one channel to each peer, and
 * threads. One per node; close it after its groups.
 *
 * <ul>
 *   <li>{@link #service} goes into the broker's gRPC server for brokers (port 7601), which must
 *       allow messages of {@link #MAX_MESSAGE_BYTES} and run on a direct executor. There is no
 *       check of the sender here: that server must demand client certificates or face trusted peers
 *       only.
 *   <li>JRaft's generated messages are older than protobuf's runtime, which says so in three lines
 *       for each class unless the system property {@code
 *       com.google.protobuf.use_unsafe_pre22_gencode} is set before the first of them is loaded.
 *       Loading this class sets it, unless it is set already; nothing before it loads one.
 * </ul>
 */
public final class JRaftTransport implements AutoCloseable {
  /** The largest message: entries of 512 KiB and one more command of at most 4 MiB. */
  public static final int MAX_MESSAGE_BYTES = 8 << 20;

  static {
    String quiet = "com.google.protobuf.use_unsafe_pre22_gencode";
    if (System.getProperty(quiet) == null) {
      System.setProperty(quiet, "true");
    }
  }

  private final RaftThreads threads;
  private final RaftChannels channels;
  private final RaftRpcService service;

  /**
   * @param nodeId names the threads
   * @param dialler makes a channel to a peer's Raft endpoint (TLS, event loop, {@link
   *     #MAX_MESSAGE_BYTES}), with a direct executor. The channel is closed here
   * @param silenceMs a channel on which calls time out, and which has been silent for so long, is
   *     thrown away and dialled anew, instead of waiting for TCP after a cut: three election
   *     timeouts
   */
  public JRaftTransport(int nodeId, Function<Endpoint, ManagedChannel> dialler, long silenceMs) {
    this.threads = RaftThreads.start(nodeId);
    this.channels = new RaftChannels(dialler, silenceMs, threads);
    this.service = new RaftRpcService(threads, channels::suspect);
  }

  /** The service to add to a gRPC server; serves the groups that have been started. */
  public ServerServiceDefinition service() {
    return service.definition();
  }

  /** Says where a node listens, if it has moved or is new; thread-safe. */
  public void address(int nodeId, Endpoint endpoint) {
    channels.address(nodeId, endpoint);
  }

  RaftChannels channels() {
    return channels;
  }

  RaftRpcService rpc() {
    return service;
  }

  RaftThreads threads() {
    return threads;
  }

  /** Ends all streams to and from peers. */
  @Override
  public void close() {
    service.close();
    channels.close();
    threads.stop();
  }
}
