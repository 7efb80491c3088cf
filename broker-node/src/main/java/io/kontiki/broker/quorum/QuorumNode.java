package io.kontiki.broker.quorum;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.NodeReports;
import io.kontiki.broker.api.OwnReports;
import io.kontiki.broker.api.ShardViews;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.session.ControllerSessions;
import io.kontiki.broker.session.Forming;
import io.kontiki.broker.session.LeaderBalance;
import io.kontiki.broker.session.ReassignmentDriver;
import io.kontiki.broker.session.SessionTiming;
import io.kontiki.config.NodeConfig;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.RegisterBroker;
import io.kontiki.metadata.VoterImage;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything that makes this node a part of the cluster: it joins or forms the quorum (or follows
 * it, if it is no voter), keeps the metadata, and keeps the broker's session.
 */
public final class QuorumNode implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QuorumNode.class);
  private static final int LOOP_SECONDS = 2;
  private static final long HAND_OVER_MS = 500;

  private final NodeIdentity identity;
  private final FileStore files;
  private final Uid clusterId;
  private final EventLoop loop;
  private final Settings settings;
  private final SessionTiming timing;
  private final RandomSource random;
  private final FaultHandler faults;
  private final BrokerChannels channels;
  private final BrokerChannels sessionChannels;
  private final Peers peers;
  private final MetadataClient metadata;
  private final ClusterGrpcService service;
  private final QuorumEngine engine;
  private final Hellos hellos;
  private final Voting voting;
  private final Worker worker;

  // Of the control loop.
  private @Nullable FormingShell forming;
  private volatile @Nullable VoterNode voter; // written there only
  private @Nullable ObserverNode observer;
  private @Nullable Candidacy candidacy;
  private @Nullable Departure departure;
  private @Nullable SessionShell session;
  private boolean closed;
  private boolean placeAsked;

  /** From this metadata index on nothing of the metadata counts this node; 0: it votes. */
  private long leavesAt;

  private final AtomicLong recoveriesBefore = new AtomicLong();
  private Consumer<String> refused = why -> LOG.error("refused before the start: {}", why);

  /**
   * What an operator may change.
   *
   * @param timing of sessions and forming
   * @param electionTimeoutMs without word from the leader before a voter stands
   * @param snapshotEntries a snapshot of the metadata after so many entries (M18)
   * @param snapshotBytes or after so many bytes of them
   * @param groupShards Raft groups of consumer groups, of a cluster that this node forms
   * @param leaderRebalanceQuiet nanoseconds that leaderships stay where they are after a fence or
   *     an election (R43); {@link Long#MAX_VALUE}: for ever
   */
  public record Settings(
      SessionTiming timing,
      int electionTimeoutMs,
      long snapshotEntries,
      long snapshotBytes,
      int groupShards,
      long leaderRebalanceQuiet) {
    /** As configured. */
    public static Settings of(NodeConfig config) {
      return new Settings(
          SessionTiming.of(config.liveness()),
          Math.toIntExact(config.liveness().electionTimeoutMs()),
          config.storage().raftSnapshotEntries(),
          config.storage().raftSnapshotBytes(),
          config.groupShards(),
          config.liveness().leaderRebalance()
              ? TimeUnit.MILLISECONDS.toNanos(config.liveness().leaderRebalanceQuietMs())
              : Long.MAX_VALUE);
    }
  }

  /**
   * Starts nothing yet.
   *
   * @param files {@code raft/} of the data directory
   * @param clusterId of the node's directory until the image knows one
   * @param voting what votes here besides, while this node does
   * @param worker runs what blocks where a node begins or ends to vote
   * @param engine closed with this node
   * @param dialler makes channels to Raft ports, on the control loop, with a direct executor
   */
  public QuorumNode(
      NodeIdentity identity,
      FileStore files,
      Uid clusterId,
      EventLoop control,
      Settings settings,
      RandomSource random,
      Voting voting,
      Worker worker,
      QuorumEngine engine,
      Function<Endpoint, ManagedChannel> dialler,
      FaultHandler faults) {
    this.identity = identity;
    this.files = files;
    this.clusterId = clusterId;
    this.loop = control;
    this.settings = settings;
    this.timing = settings.timing();
    this.random = random;
    this.faults = faults;
    this.channels = new BrokerChannels(dialler);
    this.sessionChannels = new BrokerChannels(dialler);
    this.peers = new Peers(channels);
    this.hellos = new Hellos(identity, clusterId, peers);
    this.voting = voting;
    this.worker = worker;
    this.metadata = new MetadataClient(loop);
    this.service =
        new ClusterGrpcService(
            identity,
            () -> metadata.image().formed() ? metadata.image().clusterId() : clusterId,
            loop);
    this.engine = engine;
  }

  /** What the Raft port serves besides {@link JRaftQuorum#service Raft}. */
  public BindableService clusterService() {
    return service;
  }

  /** The metadata as this broker knows them. */
  public MetadataClient metadata() {
    return metadata;
  }

  /** The same as the port that handlers use. */
  public Metadata asMetadata() {
    return metadata;
  }

  /**
   * Joins the quorum, forms it, or follows it; the Raft port must be served already.
   *
   * @param refused told on the control loop why this node must not start
   */
  public void start(Consumer<String> refused) {
    begin(
        refused,
        stored -> {
          if (sameCluster(stored, refused)) {
            startVoter(stored, refused);
          }
        });
  }

  /**
   * {@link #start} where nothing may block, because all nodes share a thread: the other voters are
   * asked, and the group is started, on the control loop.
   */
  public void startOnLoop(Consumer<String> refused) {
    begin(
        refused,
        stored ->
            loop.execute(
                () ->
                    new SameCluster(identity, clusterId, stored.admittedIndex(), hellos, loop)
                        .check(
                            why -> loop.execute(() -> refused.accept(why)),
                            same -> {
                              if (same) {
                                startVoter(stored, refused);
                              }
                            })));
  }

  /**
   * A directory that votes goes on, whatever {@code cluster.voters} says. One that does not and has
   * met its cluster follows it, and votes when the image wants it to (M23): only one of no cluster
   * yet may form one.
   */
  private void begin(Consumer<String> refused, Consumer<FormingFile.Stored> votes) {
    Optional<FormingFile.Stored> voted = FormingFile.read(files);
    boolean follows = voted.isEmpty() && (!identity.voter() || !clusterId.equals(Uid.NONE));
    loop.execute(
        () -> {
          this.refused = refused;
          placeAsked = identity.voter() && !follows; // see Forming and SameCluster
        });
    metadata.listen(this::onImage);
    if (follows) {
      boolean candidate = FormingFile.isCandidate(files);
      loop.execute(
          () -> {
            observe();
            stand(candidate);
          });
    } else if (voted.isEmpty()) {
      loop.execute(() -> form(refused));
    } else if (!clusterId.equals(Uid.NONE) && files.child(QuorumEngine.GROUP).list("").isEmpty()) {
      String why =
          "raft/"
              + QuorumEngine.GROUP
              + " in data.dir is empty or missing, and this node has voted in cluster "
              + clusterId
              + ": put it back, or empty data.dir as a whole (M16)";
      loop.execute(() -> refused.accept(why));
    } else {
      FormingFile.endCandidacy(files);
      votes.accept(voted.get());
    }
  }

  private void onImage(ClusterImage image) {
    for (VoterImage voter : image.voters().values()) {
      if (!identity.voters().containsKey(voter.id())) {
        engine.address(voter.id(), voter.raft());
      }
    }
    if (candidacy != null) {
      candidacy.onImage(image);
    }
    maybeDepart(image);
  }

  private void form(Consumer<String> refused) {
    FormingShell shell =
        new FormingShell(
            timing,
            identity,
            clusterId,
            hellos,
            loop,
            outcome -> {
              if (outcome instanceof FormingShell.Outcome.Refuse refuse) {
                refused.accept(refuse.why());
              } else if (outcome instanceof FormingShell.Outcome.Start start) {
                formed(new FormingFile.Stored(start.formingSet(), start.admittedIndex()), refused);
              }
            });
    forming = shell;
    if (!closed) {
      shell.start();
    }
  }

  /** Blocks, once in the life of a directory, while nothing is served yet. */
  private void formed(FormingFile.Stored stored, Consumer<String> refused) {
    LOG.info(
        "votes from here on{}; directories of the voters: {}",
        stored.admittedIndex() == 0 ? "" : ", taken in by the metadata leader (M16)",
        stored.formingSet());
    try {
      FormingFile.write(files, stored);
      startVoter(stored, refused);
    } catch (StorageException e) {
      refused.accept("the quorum's part of data.dir: " + e.getMessage());
    }
  }

  private boolean sameCluster(FormingFile.Stored stored, Consumer<String> refused) {
    try {
      return new SameCluster(identity, clusterId, stored.admittedIndex(), hellos, loop)
          .check(why -> loop.execute(() -> refused.accept(why)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void startVoter(FormingFile.Stored stored, Consumer<String> refused) {
    voting.begin(stored.admittedIndex());
    ProcessDialler dialler = new ProcessDialler(loop, peers, identity.nodeId(), engine);
    VoterNode node =
        new VoterNode(
            identity,
            metadata,
            loop,
            random,
            stored,
            settings.groupShards(),
            hellos,
            machine -> engine.start(stored.admittedIndex() > 0, machine),
            (group, image) ->
                new ControllerShell(
                    new ControllerSessions(timing, identity.nodeId()),
                    new LeaderBalance(settings.leaderRebalanceQuiet()),
                    new ReassignmentDriver(),
                    group,
                    dialler,
                    loop,
                    image),
            new VoterNode.Ends(this::onLeader, refused));
    loop.execute(
        () -> {
          if (closed) {
            node.stop();
            node.close();
            return;
          }
          voter = node;
          metadata.connect(new VoterAccess(node.group(), peers, loop));
          service.serveAs(node);
          departure =
              new Departure(
                  identity,
                  node.group(),
                  stored.admittedIndex(),
                  clusterId,
                  metadata::image,
                  hellos,
                  loop,
                  index -> leaveQuorum(node, index));
          departure.start();
        });
  }

  /** M23: the image calls this node a voter. */
  private void stand(boolean noted) {
    if (!closed) {
      candidacy =
          new Candidacy(
              identity,
              files,
              noted,
              hellos,
              metadata,
              loop,
              worker,
              new Candidacy.Ends(this::vote, why -> refused.accept(why)));
      candidacy.onImage(metadata.image());
    }
  }

  /** M23: this node is on record as a voter, has never voted, and begins to. */
  private void vote(FormingFile.Stored stored) {
    LOG.info("votes from here on, made a voter of directories {} (M23)", stored.formingSet());
    candidacy = null;
    if (observer != null) {
      observer.close();
      observer = null;
    }
    blocking(
        () -> {
          forgetVoting(); // of an earlier time, that a stop had left behind
          FormingFile.write(files, QuorumEngine.GROUP, stored);
          startVoter(stored, why -> loop.execute(() -> refused.accept(why)));
        });
  }

  /**
   * M23: no configuration of the metadata counts this node. It follows them from here on, because
   * its own Raft may never have heard of that, and leaves the shards, which may count it still.
   */
  private void leaveQuorum(VoterNode node, long index) {
    if (closed) {
      return;
    }
    departure = null;
    node.stop();
    service.serveAs(null);
    observe();
    blocking(node::close);
    leavesAt = index;
    maybeDepart(metadata.image());
  }

  private void maybeDepart(ClusterImage image) {
    if (leavesAt > 0 && image.index() >= leavesAt) {
      leavesAt = 0;
      voting.depart(image.index(), this::voteNoMore);
    }
  }

  /** M23: no configuration of any group counts this node. */
  private void voteNoMore() {
    if (closed) {
      return;
    }
    LOG.info("votes no more, and follows the metadata (M23)");
    if (voter != null) {
      recoveriesBefore.addAndGet(voter.balancedRecoveries());
      voter = null;
    }
    blocking(
        () -> {
          FormingFile.forget(files);
          forgetVoting();
          loop.execute(() -> stand(false));
        });
  }

  /** Deletes what this directory voted with; first of all what says that it votes. */
  private void forgetVoting() throws InterruptedException {
    voting.forget();
    engine.forget();
  }

  /** Something that blocks and may fail. */
  private interface Blocking {
    void run() throws InterruptedException;
  }

  private void blocking(Blocking task) {
    worker.execute(
        () -> {
          try {
            task.run();
          } catch (StorageException e) {
            String why = "the quorum's part of data.dir: " + e.getMessage();
            loop.execute(() -> refused.accept(why));
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  private void observe() {
    if (closed) {
      return;
    }
    MetadataStateMachine machine = new MetadataStateMachine(new Following(metadata));
    observer =
        new ObserverNode(
            identity,
            clusterId,
            machine,
            metadata,
            peers,
            loop,
            new ObserverNode.Ends(faults, why -> refused.accept(why)));
    metadata.connect(observer);
    observer.start();
  }

  private void onLeader(int leaderId) {
    if (session != null) {
      session.onLeaderHint(leaderId);
    }
  }

  /**
   * Registers this broker and keeps its session from here on; all of the node's ports must be
   * served already (rule R6).
   *
   * @param registration what this process registers with, as of the call
   * @param work asked on the control loop
   */
  public SessionShell openSession(
      Supplier<RegisterBroker> registration,
      SessionShell.Work work,
      List<PartitionId> doubtful,
      SessionShell.Listener listener) {
    SessionShell shell =
        new SessionShell(
            timing,
            identity,
            metadata,
            new Peers(sessionChannels),
            loop,
            registration,
            work,
            listener);
    loop.execute(
        () -> {
          if (closed) {
            return;
          }
          session = shell;
          shell.onRecovered(doubtful);
          if (placeAsked) {
            shell.start();
          } else {
            metadata.listen(new OwnPlace(shell));
          }
        });
    return shell;
  }

  /** Partitions that balanced recovery gave a leader while this node led (R19); any thread. */
  public long balancedRecoveries() {
    VoterNode node = voter;
    return recoveriesBefore.get() + (node == null ? 0 : node.balancedRecoveries());
  }

  /**
   * Looks, before a broker that does not vote registers, whether the process that is registered
   * with its node id is alive: with a copy of the data directory it would take that one's place,
   * and lose it again, for ever (R35).
   */
  private final class OwnPlace implements Metadata.Listener {
    private final SessionShell shell;
    private boolean asked;

    OwnPlace(SessionShell shell) {
      this.shell = shell;
    }

    @Override
    public void onImage(ClusterImage image) {
      if (asked || !image.formed()) {
        return;
      }
      asked = true;
      metadata.unlisten(this);
      BrokerImage registered = image.brokers().get(identity.nodeId());
      if (registered == null) {
        begin();
        return;
      }
      hellos.askOwnPlace(
          registered.endpoints().raft(),
          loop,
          Forming.PLACE_NANOS,
          answer -> loop.execute(() -> answered(registered, answer)));
    }

    private void answered(BrokerImage registered, @Nullable HelloResponse answer) {
      if (answer != null
          && answer.getNodeId() == identity.nodeId()
          && !Peers.uid(answer.getIncarnation()).equals(identity.incarnation())) {
        refused.accept(
            Forming.idInUse(
                identity.nodeId(),
                registered.endpoints().raft().toString(),
                Peers.uid(answer.getDirectoryId())));
      } else {
        begin();
      }
    }

    private void begin() {
      if (!closed) {
        shell.start();
      }
    }
  }

  /**
   * Reports of all brokers.
   *
   * @param own told to others from here on
   */
  public NodeReports reports(OwnReports own) {
    service.tell(own);
    return new ClusterReports(identity.nodeId(), own, peers, loop.clock());
  }

  /**
   * The shards of consumer groups, wherever they are led.
   *
   * @param own those that run here; told to others from here on; any thread
   */
  public ShardViews shards(Supplier<List<RaftGroup>> own) {
    service.tellShards(own);
    return new ShardReports(identity.nodeId(), metadata::image, own, peers, loop);
  }

  /** Runs a task where all of this lives. */
  public void onControlLoop(Runnable task) {
    loop.execute(task);
  }

  /**
   * Leaves the leadership of the metadata to another node, if this one has it and another is there,
   * while all ports are still served (rule R7). Blocks for a second at most; not on the control
   * loop.
   */
  public void handOver() throws InterruptedException {
    VoterNode node = onLoop(() -> voter);
    if (node != null) {
      node.handOver(HAND_OVER_MS);
    }
  }

  /** The result, or null if the control loop does not move. */
  private @Nullable VoterNode onLoop(Supplier<@Nullable VoterNode> task)
      throws InterruptedException {
    CompletableFuture<@Nullable VoterNode> result = new CompletableFuture<>();
    loop.execute(() -> result.complete(task.get()));
    try {
      return result.get(LOOP_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("the control loop does not move: the quorum is left without a word");
      return null;
    }
  }

  /** Stops; blocks for less than a second or two. */
  @Override
  public void close() {
    try {
      VoterNode node = onLoop(this::leave);
      if (node != null) {
        node.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    sessionChannels.close();
    channels.close();
    engine.close();
  }

  /** On the control loop: nothing begins any more. What is left to be closed by who may block. */
  private @Nullable VoterNode leave() {
    closed = true;
    if (forming != null) {
      forming.close();
    }
    if (session != null) {
      session.close();
    }
    if (candidacy != null) {
      candidacy.close();
    }
    if (departure != null) {
      departure.close();
    }
    if (observer != null) {
      observer.close();
    }
    if (voter != null) {
      voter.stop();
    }
    return voter;
  }
}
