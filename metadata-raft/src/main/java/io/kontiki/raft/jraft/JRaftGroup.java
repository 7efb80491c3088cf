package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.NodeManager;
import com.alipay.sofa.jraft.RaftServiceFactory;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.core.NodeImpl;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.option.RaftOptions;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.StateMachine;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Raft group on JRaft. A process may run several, of several nodes, but a group and node id only
 * once at a time.
 *
 * <p>Proposals, reads, confirmations and {@link #status} do not wait; {@link #transferLeadership}
 * and {@link #close} may wait for a disk.
 */
public final class JRaftGroup implements RaftGroup {
  private static final Logger LOG = LoggerFactory.getLogger(JRaftGroup.class);
  private static final long NOT_LEADING = LeaderRounds.NOT_LEADER;
  private static final long FAST_ELECTION_STEP_MS = 250;
  private static final long FIRST_ELECTION_MS = 200;
  private static final Endpoint UNKNOWN = new Endpoint("unknown", 0);

  private final JRaftOptions options;
  private final JRaftTransport transport;
  private final GroupStorage storage;
  private final FollowerProgress progress = new FollowerProgress();
  private final Set<PendingProposal> proposals = ConcurrentHashMap.newKeySet();
  private final @Nullable FastElection fastElection;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Node node;
  private final LeaderRounds leaderRounds;
  private final ReadIndexes readIndexes;

  private volatile List<Integer> voters;

  /** A configuration was committed since the start; under the lock on this. */
  private boolean votersTold;

  private volatile long ledTerm = NOT_LEADING;

  /** As the apply thread was told; JRaft's own answer would wait for votes being written. */
  private volatile int toldLeader = NO_NODE;

  private volatile boolean snapshotRunning;

  // Of the apply thread.
  private long entriesSinceSnapshot;
  private long bytesSinceSnapshot;

  /**
   * Opens a group's files, replays its log and joins the group; returns before there is a leader.
   *
   * @param store of this group alone, for log and vote: {@code raft/<group>} in a server. To make
   *     its own name durable is up to the caller
   * @param snapshots a real directory for JRaft's snapshots, made if missing; may be {@code
   *     snapshots} in the store's
   * @param machine empty
   * @param faults told when the group has stopped on this node (rule M11)
   * @throws StorageException if the files are damaged: the node must not vote with a part of them
   */
  public static JRaftGroup start(
      JRaftOptions options,
      JRaftTransport transport,
      FileStore store,
      Path snapshots,
      StateMachine machine,
      FaultHandler faults) {
    return new JRaftGroup(options, transport, store, snapshots, machine, faults);
  }

  private JRaftGroup(
      JRaftOptions options,
      JRaftTransport transport,
      FileStore store,
      Path snapshots,
      StateMachine machine,
      FaultHandler faults) {
    this.options = options;
    this.transport = transport;
    this.voters = options.joining() ? List.of() : List.copyOf(options.voters().keySet());
    options.voters().forEach(transport::address);
    this.storage = GroupStorage.open(store, snapshots, faults);
    this.fastElection = options.fastElection() ? observedElection() : null;
    AppliedCommands commands =
        new AppliedCommands(
            options.group(),
            machine,
            faults,
            transport.threads().background(),
            new SnapshotRoom(store),
            new FollowedRoles(),
            this::maybeSnapshot);
    onVoters(voters);
    this.node = startNode(nodeOptions(commands, snapshots), commands);
    onVotersInLog();
    this.leaderRounds =
        new LeaderRounds(
            node, () -> ledTerm, transport.threads().timer(), options.electionTimeoutMs());
    this.readIndexes =
        new ReadIndexes(
            node,
            transport.threads().timer(),
            2L * options.electionTimeoutMs(),
            options.readTimeoutMs());
    if (options.fastElection() && node.getLastLogIndex() == 0 && isFirstVoter()) {
      var unused =
          transport
              .threads()
              .timer()
              .schedule(this::standInNewGroup, FIRST_ELECTION_MS, TimeUnit.MILLISECONDS);
    }
  }

  private boolean isFirstVoter() {
    return voters.size() > 1 && options.nodeId() == options.voters().firstKey();
  }

  /**
   * A group that has just been formed has no leader whose silence must be waited for: the first
   * voter stands as soon as the others are likely to be connected. If they are not, or if there is
   * a leader after all, the timers decide as ever.
   */
  private void standInNewGroup() {
    if (closed.get() || leaderId() != NO_NODE) {
      return;
    }
    LongPredicate candidacy = FastElection.candidacyOf(options.group(), options.nodeId());
    transport
        .threads()
        .background()
        .execute(
            () -> {
              boolean stood = candidacy.test(storage.vote().getTerm());
              LOG.info("[{}] new group: {}", options.group(), stood ? "stood first" : "came late");
            });
  }

  /** A command of more than 4 MiB is refused. */
  @Override
  public void propose(ByteBuffer command, long expectedTerm, Completion<Proposal> completion) {
    ByteBuffer copy = ByteBuffer.allocate(command.remaining()).put(command.duplicate()).flip();
    PendingProposal proposal = new PendingProposal(completion, this::leaderId, proposals);
    if (copy.remaining() > MAX_COMMAND_BYTES) {
      proposal.refuse(copy.remaining() + " bytes; a command may have " + MAX_COMMAND_BYTES);
      return;
    }
    if (closed.get()) {
      proposal.run(new Status(RaftError.ENODESHUTDOWN, "closed"));
      return;
    }
    try {
      node.apply(new Task(copy, proposal, expectedTerm));
    } catch (IllegalStateException e) {
      // JRaft throws only when it is shutting down, before it takes the task.
      proposal.run(new Status(RaftError.ENODESHUTDOWN, "closed"));
    }
  }

  @Override
  public void readIndex(Completion<Long> completion) {
    readIndexes.read(completion);
  }

  @Override
  public void confirmLeadership(Completion<Long> completion) {
    leaderRounds.confirm(completion);
  }

  @Override
  public RaftStatus status() {
    boolean leading = leading();
    long term = storage.vote().getTerm();
    long last = node.getLastLogIndex();
    List<Member> members = new ArrayList<>();
    for (int voter : voters) {
      Endpoint known = transport.channels().address(voter);
      Endpoint endpoint = known == null ? UNKNOWN : known;
      if (!leading) {
        members.add(new Member(voter, endpoint, -1, -1));
      } else if (voter == options.nodeId()) {
        members.add(new Member(voter, endpoint, last, 0));
      } else {
        members.add(
            new Member(
                voter,
                endpoint,
                progress.matchIndex(voter, term),
                transport.channels().lastContactMs(voter)));
      }
    }
    return new RaftStatus(
        options.group(),
        leading ? options.nodeId() : leaderId(),
        leading,
        term,
        node.getLastCommittedIndex(),
        node.getLastAppliedLogIndex(),
        List.copyOf(members));
  }

  @Override
  public void removeVoter(int nodeId, Completion<ChangeEnd> completion) {
    change(
        "remove node " + nodeId,
        !voters.contains(nodeId),
        end -> node.removePeer(RaftPeers.peer(nodeId), end),
        completion);
  }

  @Override
  public void addVoter(int nodeId, Endpoint endpoint, Completion<ChangeEnd> completion) {
    transport.address(nodeId, endpoint);
    change(
        "add node " + nodeId,
        voters.contains(nodeId),
        end -> node.addPeer(RaftPeers.peer(nodeId), end),
        completion);
  }

  /**
   * @param committed whether the committed configuration is the wanted one
   */
  private void change(
      String what, boolean committed, Consumer<Closure> change, Completion<ChangeEnd> completion) {
    try {
      change.accept(
          status -> {
            LOG.info("[{}] {}: {}", options.group(), what, status);
            completion.complete(new ChangeEnd(status.isOk(), String.valueOf(status.getErrorMsg())));
          });
    } catch (IllegalArgumentException e) {
      // The newest configuration in the log, which may not be committed, is the wanted one.
      completion.complete(
          committed && leading()
              ? new ChangeEnd(true, "")
              : new ChangeEnd(false, what + " is under way"));
    }
  }

  @Override
  public void transferLeadership() {
    if (leading()) {
      Status status = node.transferLeadershipTo(PeerId.ANY_PEER);
      LOG.info("[{}] hands leadership over: {}", options.group(), status);
    }
  }

  @Override
  public void transferLeadershipTo(int nodeId) {
    if (leading() && nodeId != options.nodeId()) {
      Status status = node.transferLeadershipTo(RaftPeers.peer(nodeId));
      LOG.info("[{}] hands leadership to node {}: {}", options.group(), nodeId, status);
    }
  }

  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    readIndexes.close();
    node.shutdown(null);
    try {
      node.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    release();
    for (PendingProposal proposal : proposals) {
      proposal.run(new Status(RaftError.ECANCELED, "the node closed"));
    }
  }

  private FastElection observedElection() {
    FastElection election =
        new FastElection(
            transport.channels(),
            options.group(),
            options.nodeId(),
            voters,
            FAST_ELECTION_STEP_MS,
            FastElection.candidacyOf(options.group(), options.nodeId()));
    transport.rpc().observe(options.group(), election);
    return election;
  }

  private Node startNode(GrpcNodeOptions nodeOptions, AppliedCommands commands) {
    PeerId self = RaftPeers.peer(options.nodeId());
    NodeManager.getInstance().addAddress(self.getEndpoint());
    try {
      return RaftServiceFactory.createAndInitRaftNode(options.group(), self, nodeOptions);
    } catch (RuntimeException e) {
      release();
      storage.close();
      StorageException failure = commands.loadFailure();
      throw failure != null
          ? failure
          : new IllegalStateException(
              "group "
                  + options.group()
                  + " does not start on node "
                  + options.nodeId()
                  + "; it may run in this process already",
              e);
    }
  }

  private void release() {
    transport.rpc().forget(options.group());
    transport.channels().release(options.group());
    if (fastElection != null) {
      fastElection.close();
    }
  }

  private GrpcNodeOptions nodeOptions(AppliedCommands commands, Path snapshots) {
    GrpcNodeOptions all = new GrpcNodeOptions(transport.channels(), progress);
    all.setFsm(commands);
    all.setServiceFactory(storage);
    all.setInitialConf(RaftPeers.configuration(voters)); // of use while log and snapshot have none
    all.setLogUri("log"); // opened before, see GroupStorage
    all.setRaftMetaUri("vote");
    all.setSnapshotUri(snapshots.toString());
    all.setSnapshotIntervalSecs(0); // by count and bytes, see maybeSnapshot
    all.setElectionTimeoutMs(options.electionTimeoutMs());
    all.setDisableCli(true);
    all.setRpcConnectTimeoutMs(200);
    // Of entries and probes; what went into a cut must not hold a follower up for JRaft's 5 s.
    all.setRpcDefaultTimeout(4 * options.electionTimeoutMs());
    all.setRpcProcessorThreadPoolSize(3);
    all.setTimerPoolSize(1);
    all.setSharedTimerPool(true);
    all.setSharedElectionTimer(true);
    all.setSharedVoteTimer(true);
    all.setSharedStepDownTimer(true);
    all.setSharedSnapshotTimer(true);
    RaftOptions raft = all.getRaftOptions();
    raft.setMaxElectionDelayMs(options.electionTimeoutMs());
    raft.setElectionHeartbeatFactor(4);
    raft.setDisruptorBufferSize(1024);
    raft.setMaxReplicatorInflightMsgs(64);
    raft.setSync(true); // M10: also syncs the vote
    raft.setEnableLogEntryChecksum(true); // M10
    return all;
  }

  private int leaderId() {
    int told = toldLeader;
    return told == options.nodeId() && !leading() ? NO_NODE : told;
  }

  private boolean leading() {
    return !closed.get() && node.isLeader(false);
  }

  /** What the log or the snapshot says, until a leader has committed a configuration again. */
  private void onVotersInLog() {
    Configuration found = node instanceof NodeImpl started ? started.getCurrentConf() : null;
    synchronized (this) {
      if (found != null && !votersTold) {
        onVoters(RaftPeers.nodeIds(found));
      }
    }
  }

  private synchronized void onVoters(List<Integer> nodeIds) {
    voters = List.copyOf(nodeIds);
    transport
        .channels()
        .keepConnected(
            options.group(), nodeIds.stream().filter(id -> id != options.nodeId()).toList());
    if (fastElection != null) {
      fastElection.onVoters(voters);
    }
  }

  /** Rule M18; on the apply thread, which may run before the constructor has the node. */
  private void maybeSnapshot(long entries, long bytes) {
    entriesSinceSnapshot += entries;
    bytesSinceSnapshot += bytes;
    boolean due =
        entriesSinceSnapshot >= options.snapshotEntries()
            || bytesSinceSnapshot >= options.snapshotBytes();
    if (!due || snapshotRunning) {
      return;
    }
    Node running = NodeManager.getInstance().get(options.group(), RaftPeers.peer(options.nodeId()));
    if (running != null) {
      entriesSinceSnapshot = 0;
      bytesSinceSnapshot = 0;
      snapshotRunning = true;
      running.snapshot(
          status -> {
            snapshotRunning = false;
            if (!status.isOk()) {
              LOG.warn("[{}] no snapshot: {}", options.group(), status);
            }
          });
    }
  }

  private final class FollowedRoles implements AppliedCommands.Roles {
    @Override
    public void onLeading(long term) {
      ledTerm = term;
      toldLeader = options.nodeId();
      if (fastElection != null) {
        fastElection.onLeading();
      }
    }

    @Override
    public long onLeadingEnds() {
      long term = ledTerm;
      ledTerm = NOT_LEADING;
      toldLeader = NO_NODE;
      return term;
    }

    @Override
    public void onFollowing(int leaderId, long term) {
      toldLeader = leaderId;
      if (fastElection != null && leaderId != NO_NODE) {
        fastElection.onFollowing(leaderId, term);
      }
    }

    @Override
    public void onVoters(List<Integer> nodeIds) {
      synchronized (JRaftGroup.this) {
        votersTold = true;
        JRaftGroup.this.onVoters(nodeIds);
      }
    }
  }
}
