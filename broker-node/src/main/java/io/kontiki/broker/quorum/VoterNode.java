package io.kontiki.broker.quorum;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.session.Forming;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.FormCluster;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A voter's part in the quorum: the Raft group {@code metadata} with its state machine, the
 * controller while it leads, and the streams of brokers that do not vote. Callbacks of the apply
 * thread are handed to the control loop, where everything else runs.
 */
final class VoterNode implements MetadataStateMachine.Listener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VoterNode.class);

  /** What the first cluster may use. */
  private static final int FEATURE_LEVEL = MetadataCommandCodec.LEVEL;

  private final NodeIdentity identity;
  private final MetadataClient client;
  private final EventLoop loop;
  private final RandomSource random;
  private final FormingFile.Stored stored;
  private final int groupShards;
  private final MetadataStateMachine machine;
  private final MetadataWatchers watchers;
  private final RaftGroup group;
  private final ControllerShell controller;
  private final AdmissionShell admission;
  private final Ends ends;
  private final Metadata.Listener images = this::onPublished;

  private final List<Runnable> early = new ArrayList<>();
  private volatile @Nullable CountDownLatch successor;
  private boolean begun;
  private boolean stopped;
  private boolean toldDifference;
  private long ledTerm = -1;
  private final AtomicLong balancedRecoveries = new AtomicLong();
  private int leaderId = RaftGroup.NO_NODE;

  /**
   * What a voter tells of itself, on the control loop.
   *
   * @param leader told who leads
   * @param refused told why this node must not go on
   */
  record Ends(IntConsumer leader, Consumer<String> refused) {}

  /**
   * Starts the group.
   *
   * @param stored how this directory came to vote
   * @param groupShards of the cluster, should this node form it
   * @param start starts the Raft group over the given state machine
   * @param controllers makes the controller over the group and the newest image
   */
  VoterNode(
      NodeIdentity identity,
      MetadataClient client,
      EventLoop control,
      RandomSource random,
      FormingFile.Stored stored,
      int groupShards,
      Hellos hellos,
      Function<MetadataStateMachine, RaftGroup> start,
      BiFunction<RaftGroup, Supplier<ClusterImage>, ControllerShell> controllers,
      Ends ends) {
    this.identity = identity;
    this.client = client;
    this.loop = control;
    this.random = random;
    this.stored = stored;
    this.groupShards = groupShards;
    this.machine = new MetadataStateMachine(this);
    this.group = start.apply(machine);
    this.watchers =
        new MetadataWatchers(
            machine, control, () -> group.status().leaderId() != RaftGroup.NO_NODE);
    this.controller = controllers.apply(group, machine::image);
    this.admission = new AdmissionShell(identity, group, hellos, control, machine::image);
    this.ends = ends;
    loop.execute(this::begin);
  }

  /** The apply thread may speak before the constructor is through. */
  private void begin() {
    begun = true;
    client.listen(images);
    early.forEach(Runnable::run);
    early.clear();
    admission.start();
  }

  private void post(Runnable task) {
    loop.execute(
        () -> {
          if (begun) {
            task.run();
          } else {
            early.add(task);
          }
        });
  }

  RaftGroup group() {
    return group;
  }

  ControllerShell controller() {
    return controller;
  }

  /** The voters of the cluster, or until it has formed those that this one forms it with. */
  SortedMap<Integer, Forming.Known> knownVoters(ClusterImage image) {
    Set<Integer> members = new TreeSet<>();
    group.status().voters().forEach(member -> members.add(member.nodeId()));
    SortedMap<Integer, Forming.Known> known = new TreeMap<>();
    if (image.formed()) {
      for (VoterImage voter : image.voters().values()) {
        Uid directory = voter.directoryId() == null ? Uid.NONE : voter.directoryId();
        known.put(voter.id(), new Forming.Known(directory, members.contains(voter.id())));
      }
    } else {
      stored
          .formingSet()
          .forEach(
              (id, directory) -> known.put(id, new Forming.Known(directory, members.contains(id))));
    }
    return known;
  }

  AdmissionShell admission() {
    return admission;
  }

  MetadataWatchers watchers() {
    return watchers;
  }

  ClusterImage image() {
    return machine.image();
  }

  @Override
  public void onImage(ClusterImage image) {
    client.publish(image);
  }

  private void onPublished(ClusterImage image) {
    if (stopped) {
      return;
    }
    watchers.onImage(image);
    controller.onImage(image);
    admission.onImage(image);
    tellDifference(image);
    VoterImage own = image.voters().get(identity.nodeId());
    // While the log is replayed, the records are those of before this directory was taken in.
    if (own != null && own.directoryId() != null && image.index() >= stored.admittedIndex()) {
      String why = SameCluster.replaced(identity, own.directoryId());
      if (why != null) {
        ends.refused().accept(why);
      }
    }
  }

  /** M15: the image decides; the key serves to find the cluster. */
  private void tellDifference(ClusterImage image) {
    if (toldDifference || !image.formed()) {
      return;
    }
    SortedMap<Integer, Endpoint> known = new TreeMap<>();
    image.voters().values().forEach(voter -> known.put(voter.id(), voter.raft()));
    if (!known.equals(identity.voters())) {
      toldDifference = true;
      LOG.warn(
          "cluster.voters, with the voters that this node knew last, is {}, and the voters of the"
              + " cluster are {}: those decide who votes; correct the key",
          identity.votersText(),
          known);
    }
  }

  @Override
  public void onLeaderStart(long term) {
    post(
        () -> {
          ledTerm = term;
          LOG.info("leads the metadata quorum in term {}", term);
          if (stopped) {
            return;
          }
          form();
          controller.onLeaderStart(term);
          admission.onLeaderStart(term);
          ends.leader().accept(identity.nodeId());
        });
  }

  @Override
  public void onLeaderStop(long term) {
    post(
        () -> {
          ledTerm = -1;
          LOG.info("leads the metadata quorum no more, term {}", term);
          controller.onLeaderStop(term);
          admission.onLeaderStop();
        });
  }

  @Override
  public void onFollowing(int newLeaderId, long term) {
    CountDownLatch latch = successor;
    if (latch != null && newLeaderId >= 0 && newLeaderId != identity.nodeId()) {
      latch.countDown();
    }
    post(
        () -> {
          if (newLeaderId != leaderId && newLeaderId >= 0) {
            LOG.info("metadata leader {} -> {}, term {}", text(leaderId), newLeaderId, term);
          }
          leaderId = newLeaderId;
          controller.onFollowing(newLeaderId);
          ends.leader().accept(newLeaderId);
        });
  }

  private static String text(int nodeId) {
    return nodeId < 0 ? "none" : String.valueOf(nodeId);
  }

  /**
   * R19: told and counted once, by the metadata leader; others apply it too, some at each start.
   */
  @Override
  public void onRecovered(List<PartitionId> partitions) {
    post(
        () -> {
          if (ledTerm < 0) {
            return;
          }
          balancedRecoveries.addAndGet(partitions.size());
          List<String> names = new ArrayList<>();
          for (PartitionId id : partitions) {
            TopicImage topic = machine.image().topics().get(id.topicId());
            names.add((topic == null ? id.topicId() : topic.name()) + "-" + id.partition());
          }
          LOG.warn(
              "possible data loss: no replica is known to hold every acknowledged record, the"
                  + " longest log leads (balanced recovery, R19): {}",
              String.join(", ", names));
        });
  }

  /** Partitions that balanced recovery gave a leader while this node led (R19); any thread. */
  long balancedRecoveries() {
    return balancedRecoveries.get();
  }

  /** M15: the first command of a cluster, by its first leader. */
  private void form() {
    if (machine.image().formed() || ledTerm < 0 || stopped) {
      return;
    }
    Uid clusterId = new Uid(random.nextLong(), random.nextLong());
    List<VoterImage> voters = new ArrayList<>();
    identity.voters().forEach((id, raft) -> voters.add(new VoterImage(id, raft, directoryOf(id))));
    FormCluster command =
        new FormCluster(loop.clock().wallMs(), clusterId, FEATURE_LEVEL, voters, groupShards);
    group.propose(
        MetadataCommandCodec.encode(command),
        ledTerm,
        end ->
            loop.execute(
                () -> {
                  if (machine.image().clusterId().equals(clusterId)) {
                    LOG.info(
                        "cluster {} has formed with voters {}", clusterId, identity.votersText());
                  } else {
                    LOG.info("the cluster's first command ended as {}", end);
                    loop.schedule(100_000_000, this::form);
                  }
                }));
  }

  private @Nullable Uid directoryOf(int nodeId) {
    return stored.formingSet().get(nodeId);
  }

  /**
   * Hands leadership to another voter and waits until it leads, while this node still answers
   * everybody (rule R7). Blocks; not on the control loop.
   */
  void handOver(long atMostMs) throws InterruptedException {
    RaftGroup.RaftStatus status = group.status();
    if (!status.leading() || status.voters().size() < 2) {
      return;
    }
    CountDownLatch latch = new CountDownLatch(1);
    successor = latch;
    group.transferLeadership();
    if (!latch.await(atMostMs, TimeUnit.MILLISECONDS)) {
      LOG.info("no other voter has taken over within {} ms", atMostMs);
    }
  }

  /** Judges nobody and feeds nobody any more; on the control loop, before {@link #close}. */
  void stop() {
    if (stopped) {
      return;
    }
    stopped = true;
    client.unlisten(images);
    controller.close();
    admission.close();
    watchers.close();
  }

  /** Leaves the group. Blocks; not on the control loop. */
  @Override
  public void close() {
    group.close();
  }
}
