package io.kontiki.broker.quorum;

import io.grpc.ManagedChannel;
import io.grpc.ServerServiceDefinition;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.StateMachine;
import io.kontiki.raft.jraft.JRaftGroup;
import io.kontiki.raft.jraft.JRaftOptions;
import io.kontiki.raft.jraft.JRaftTransport;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/** The quorum on SOFAJRaft and TCP. */
public final class JRaftQuorum implements QuorumEngine, ShardEngine {
  /**
   * Shards wait so many times longer for their leader's word than the metadata do, and beat that
   * much less often. A process that dies is noticed without either (rule M13).
   */
  private static final int SHARD_PATIENCE = 2;

  private static final Endpoint NOWHERE = new Endpoint("unknown", 0);

  private final NodeIdentity identity;
  private final Files files;
  private final QuorumNode.Settings settings;
  private final FaultHandler faults;
  private final JRaftTransport transport;
  private final Dials dials;

  /**
   * Where a voter keeps its part of the quorum.
   *
   * @param store {@code raft/} of the data directory
   * @param snapshots a real directory in it
   */
  public record Files(FileStore store, Path snapshots) {}

  /**
   * @param dialler makes channels to Raft ports, on the control loop, with a direct executor
   */
  public JRaftQuorum(
      NodeIdentity identity,
      Files files,
      QuorumNode.Settings settings,
      LoopGroup control,
      Function<Endpoint, ManagedChannel> dialler,
      FaultHandler faults) {
    this.identity = identity;
    this.files = files;
    this.settings = settings;
    this.faults = faults;
    this.transport =
        new JRaftTransport(identity.nodeId(), dialler, 3L * settings.electionTimeoutMs());
    this.dials = new SocketDials(control);
  }

  /** Raft's own calls. */
  public ServerServiceDefinition service() {
    return transport.service();
  }

  @Override
  public RaftGroup start(boolean joining, MetadataStateMachine machine) {
    return start(
        GROUP,
        identity.voters(),
        joining,
        settings.electionTimeoutMs(),
        files.snapshots(),
        machine);
  }

  @Override
  public RaftGroup startShard(
      String group, SortedMap<Integer, Endpoint> voters, boolean joining, StateMachine machine) {
    return start(
        group,
        voters,
        joining,
        SHARD_PATIENCE * settings.electionTimeoutMs(),
        files.snapshots().resolveSibling(group).resolve("snapshots"),
        machine);
  }

  private RaftGroup start(
      String group,
      SortedMap<Integer, Endpoint> voters,
      boolean joining,
      int electionTimeoutMs,
      Path snapshots,
      StateMachine machine) {
    SortedMap<Integer, Endpoint> addresses = new TreeMap<>(voters);
    // Made a voter after this process had started, or none any more and not out yet (M23): the
    // group's log says who votes, and nobody asks where this node itself is.
    addresses.putIfAbsent(identity.nodeId(), NOWHERE);
    JRaftOptions options =
        JRaftOptions.of(group, identity.nodeId(), addresses)
            .withJoining(joining)
            .withElectionTimeoutMs(electionTimeoutMs)
            .withSnapshotAfter(settings.snapshotEntries(), settings.snapshotBytes());
    return JRaftGroup.start(
        options, transport, files.store().child(group), snapshots, machine, faults);
  }

  @Override
  public void address(int nodeId, Endpoint raft) {
    transport.address(nodeId, raft);
  }

  @Override
  public void dial(Endpoint raft, Completion<Shown> completion) {
    dials.dial(raft, completion);
  }

  @Override
  public void forget() {
    files.store().deleteRecursively(GROUP);
    files.store().deleteRecursively(files.snapshots().getFileName().toString());
    files.store().syncDirectory("");
  }

  @Override
  public void close() {
    transport.close();
  }
}
