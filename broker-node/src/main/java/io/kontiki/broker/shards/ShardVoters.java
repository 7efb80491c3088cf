package io.kontiki.broker.shards;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.coordinator.Shards;
import io.kontiki.broker.forward.CallTimeouts;
import io.kontiki.internal.v1.ChangeShardVoterRequest;
import io.kontiki.internal.v1.ChangeShardVoterResponse;
import io.kontiki.internal.v1.CoordinatorServiceGrpc;
import io.kontiki.internal.v1.ShardVoterStep;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.ChangeEnd;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a voter that was taken into the metadata with a new directory gets into the shards (rule
 * M16), each by itself. It does not start its part of a shard before the shard's leader has
 * committed a configuration without it: what its lost disk may have acknowledged is on a majority
 * of the others by then. When it has started, with no configuration, it asks to be taken in again.
 * Every step can be repeated.
 *
 * <p>A node that is no voter any more is taken out by each shard's leader, and asks for that itself
 * before it stops its part (M23). On the control loop.
 */
final class ShardVoters {
  private static final Logger LOG = LoggerFactory.getLogger(ShardVoters.class);
  private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final int nodeId;
  private final Uid directoryId;
  private final EventLoop loop;
  private final GroupShards shards;
  private final SortedMap<Integer, Integer> leaders = new TreeMap<>();
  private final TreeSet<Integer> joining = new TreeSet<>();

  /** Shards that this node leads and whose configuration is being changed. */
  private final TreeSet<Integer> changing = new TreeSet<>();

  /** By shard, the number of the wish to leave it. */
  private final TreeMap<Integer, Integer> leaving = new TreeMap<>();

  private int wishes;
  private int turn;
  private boolean closed;

  ShardVoters(int nodeId, Uid directoryId, EventLoop control, GroupShards shards) {
    this.nodeId = nodeId;
    this.directoryId = directoryId;
    this.loop = control;
    this.shards = shards;
  }

  void close() {
    closed = true;
  }

  private String name(int shard) {
    return Shards.name(shard, shards.image().groupShards());
  }

  /**
   * Has this node taken out of a shard, however long that takes, or until the same is wanted again.
   *
   * @param index of metadata in which it is on record with a new directory, or is no voter
   * @param out called when it is
   */
  void leave(int shard, long index, Runnable out) {
    leaving.put(shard, ++wishes);
    leave(shard, index, wishes, out);
  }

  private void leave(int shard, long index, int wish, Runnable out) {
    if (!Objects.equals(leaving.get(shard), wish)) {
      return;
    }
    ask(
        shard,
        index,
        ShardVoterStep.SHARD_VOTER_STEP_LEAVE,
        done -> {
          if (!done) {
            loop.schedule(AGAIN_NANOS, () -> leave(shard, index, wish, out));
          } else if (leaving.remove(shard, wish)) {
            LOG.info("[{}] this node is out of the configuration (M16, M23)", name(shard));
            out.run();
          }
        });
  }

  /** Nothing is wanted any more. */
  void forget() {
    leaving.clear();
    leaders.clear();
  }

  /** Asks once to be taken in; whoever asks again is patient. */
  void join(int shard, long admittedIndex) {
    if (joining.add(shard)) {
      ask(
          shard,
          admittedIndex,
          ShardVoterStep.SHARD_VOTER_STEP_JOIN,
          done -> joining.remove(shard));
    }
  }

  private void ask(int shard, long admittedIndex, ShardVoterStep step, Completion<Boolean> end) {
    if (closed) {
      return;
    }
    ManagedChannel channel = shards.channel(target(shard));
    if (channel == null) {
      end.complete(false);
      return;
    }
    ChangeShardVoterRequest request =
        ChangeShardVoterRequest.newBuilder()
            .setShard(shard)
            .setNodeId(nodeId)
            .setDirectoryId(bytes(directoryId))
            .setMetadataIndex(admittedIndex)
            .setStep(step)
            .build();
    Context.ROOT.run(
        () ->
            CallTimeouts.with(CoordinatorServiceGrpc.newStub(channel), TIMEOUT_NANOS)
                .changeShardVoter(request, new Answer(answer -> answered(shard, answer, end))));
  }

  private void answered(
      int shard, @Nullable ChangeShardVoterResponse answer, Completion<Boolean> end) {
    if (closed) {
      return;
    }
    if (answer != null && !answer.getDone()) {
      LOG.info(
          "[{}] the leader has not changed its configuration: {}", name(shard), answer.getWhy());
      leaders.put(shard, answer.getLeaderId());
    }
    end.complete(answer != null && answer.getDone());
  }

  /** Who was said to lead, once; else the other voters in turn. */
  private int target(int shard) {
    Integer said = leaders.remove(shard);
    if (said != null && said >= 0 && said != nodeId) {
      return said;
    }
    List<Integer> others =
        shards.image().voters().keySet().stream().filter(id -> id != nodeId).toList();
    return others.isEmpty() ? -1 : others.get(Math.floorMod(turn++, others.size()));
  }

  private final class Answer implements StreamObserver<ChangeShardVoterResponse> {
    private final Completion<@Nullable ChangeShardVoterResponse> end;
    private @Nullable ChangeShardVoterResponse answer;

    Answer(Completion<@Nullable ChangeShardVoterResponse> end) {
      this.end = end;
    }

    @Override
    public void onNext(ChangeShardVoterResponse value) {
      answer = value;
    }

    @Override
    @SuppressWarnings("NullAway") // null, for no answer, passes through the type parameter
    public void onError(Throwable failure) {
      loop.execute(() -> end.complete(null));
    }

    @Override
    @SuppressWarnings("NullAway")
    public void onCompleted() {
      loop.execute(() -> end.complete(answer));
    }
  }

  /** Another voter asks. */
  void onRequest(ChangeShardVoterRequest request, Completion<ChangeShardVoterResponse> completion) {
    RaftGroup group = shards.group(request.getShard());
    RaftStatus status = group == null ? null : group.status();
    VoterImage voter = shards.image().voters().get(request.getNodeId());
    boolean leaves = request.getStep() == ShardVoterStep.SHARD_VOTER_STEP_LEAVE;
    String why = "";
    if (group == null || status == null || !status.leading()) {
      why = "node " + nodeId + " does not lead the shard";
    } else if (closed || shards.image().index() < request.getMetadataIndex()) {
      why = "node " + nodeId + " has not seen yet that the voter is on record, or is none";
    } else if (changing.contains(request.getShard())) {
      why = "another change of the configuration is under way";
    } else if (voter == null || voter.directoryId() == null
        ? !leaves
        : !bytes(voter.directoryId()).equals(request.getDirectoryId())) {
      why = "node " + request.getNodeId() + " is not on record with that directory";
    } else if (leaves && !mayLeave(status, request.getNodeId())) {
      why =
          "the configuration cannot do without node "
              + request.getNodeId()
              + ": a majority of the voters must belong to it beside that";
    }
    if (!why.isEmpty() || group == null) {
      completion.complete(
          ChangeShardVoterResponse.newBuilder()
              .setWhy(why)
              .setLeaderId(status == null ? RaftGroup.NO_NODE : status.leaderId())
              .build());
      return;
    }
    Completion<ChangeEnd> changed =
        end ->
            completion.complete(
                ChangeShardVoterResponse.newBuilder()
                    .setDone(end.done())
                    .setWhy(end.why())
                    .setLeaderId(nodeId)
                    .build());
    if (leaves || voter == null) {
      takeOut(request.getShard(), group, request.getNodeId(), changed);
    } else {
      LOG.info("[{}] takes voter {} in (M16)", name(request.getShard()), request.getNodeId());
      changing.add(request.getShard());
      group.addVoter(
          request.getNodeId(), voter.raft(), end -> changed(request.getShard(), end, changed));
    }
  }

  /** This node leads a shard that counts one that is no voter any more (M23). */
  void expel(int shard, RaftGroup group, int voterId) {
    if (!closed && !changing.contains(shard) && mayLeave(group.status(), voterId)) {
      takeOut(shard, group, voterId, end -> {});
    }
  }

  private void takeOut(int shard, RaftGroup group, int voterId, Completion<ChangeEnd> end) {
    LOG.info("[{}] takes node {} out (M16, M23)", name(shard), voterId);
    changing.add(shard);
    group.removeVoter(voterId, done -> changed(shard, done, end));
  }

  private void changed(int shard, ChangeEnd end, Completion<ChangeEnd> completion) {
    loop.execute(
        () -> {
          changing.remove(shard);
          completion.complete(end);
        });
  }

  private static ByteString bytes(Uid id) {
    return ByteString.copyFrom(id.toBytes());
  }

  /**
   * Whether the configuration without this voter still has a majority of all voters in it, or is
   * without it anyway.
   */
  private boolean mayLeave(RaftStatus status, int voterId) {
    long rest = status.voters().stream().filter(member -> member.nodeId() != voterId).count();
    return rest == status.voters().size() || rest > shards.image().voters().size() / 2;
  }
}
