package io.kontiki.broker.quorum;

import io.kontiki.broker.session.Admission;
import io.kontiki.broker.session.Now;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.VoterImage;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.runtime.EventLoop;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives {@link Admission} while this node leads; and while it follows without being on record,
 * asks the leader to put it there. On the control loop.
 */
final class AdmissionShell {
  private static final Logger LOG = LoggerFactory.getLogger(AdmissionShell.class);
  private static final long TICK_NANOS = 100_000_000;
  private static final long SEEK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long HELLO_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final NodeIdentity identity;
  private final RaftGroup group;
  private final Hellos hellos;
  private final EventLoop loop;
  private final Supplier<ClusterImage> image;
  private final Admission core;
  private boolean leading;

  /** This node was no voter: it is not put on record without having been taken out (M23). */
  private boolean wasNone;

  private boolean closed;
  private long soughtAt;

  AdmissionShell(
      NodeIdentity identity,
      RaftGroup group,
      Hellos hellos,
      EventLoop control,
      Supplier<ClusterImage> image) {
    this.identity = identity;
    this.group = group;
    this.hellos = hellos;
    this.loop = control;
    this.image = image;
    this.core = new Admission(identity.nodeId(), identity.directoryId());
  }

  void start() {
    soughtAt = loop.clock().nanoTime();
    tick();
  }

  void close() {
    closed = true;
  }

  void onLeaderStart(long term) {
    leading = true;
    core.onLeaderStart(term, image.get());
  }

  void onLeaderStop() {
    leading = false;
    core.onLeaderStop();
  }

  void onImage(ClusterImage newest) {
    wasNone |= newest.formed() && !newest.voters().containsKey(identity.nodeId());
    core.onImage(newest);
  }

  /** What another voter is told that wants to be taken in; null: this node does not lead. */
  Admission.@Nullable Answer onSeek(int voterId, Uid directoryId, boolean votes) {
    return closed ? null : core.onSeek(voterId, directoryId, votes, now());
  }

  /** Whether this node leads, and says that the other one may stop its Raft (M23). */
  boolean left(int nodeId) {
    return !closed && core.left(nodeId);
  }

  private Now now() {
    return new Now(loop.clock().nanoTime(), loop.clock().wallMs());
  }

  private void tick() {
    if (closed) {
      return;
    }
    if (leading) {
      run(
          core.onTick(
              group.status().voters().stream().map(RaftGroup.Member::nodeId).toList(), now()));
    } else {
      seek();
    }
    loop.schedule(TICK_NANOS, this::tick);
  }

  /** This node votes since the cluster was formed, but who formed it had not seen it (M15). */
  private void seek() {
    VoterImage own = image.get().voters().get(identity.nodeId());
    long nanos = loop.clock().nanoTime();
    if (wasNone || own == null || own.directoryId() != null || nanos - soughtAt < SEEK_NANOS) {
      return;
    }
    soughtAt = nanos;
    for (int voter : identity.voters().keySet()) {
      if (voter != identity.nodeId()) {
        hellos.ask(voter, Hellos.Seeks.RECORD, HELLO_TIMEOUT_NANOS, answer -> {});
      }
    }
  }

  private void run(List<Admission.Action> actions) {
    for (Admission.Action action : actions) {
      if (closed) {
        return;
      } else if (action instanceof Admission.Action.Confirm confirm) {
        confirm(confirm);
      } else if (action instanceof Admission.Action.Remove remove) {
        LOG.info("takes node {} out of the Raft configuration (M16, M23)", remove.voterId());
        group.removeVoter(remove.voterId(), end -> changed(remove.job(), end));
      } else if (action instanceof Admission.Action.Admit admit) {
        propose(admit);
      } else if (action instanceof Admission.Action.HandOver) {
        LOG.info("this node leads and is no voter any more: it hands over (M23)");
        group.transferLeadership();
      } else if (action instanceof Admission.Action.Add add) {
        LOG.info("takes voter {} into the Raft configuration (M16, M23)", add.voterId());
        group.addVoter(add.voterId(), address(add.voterId()), end -> changed(add.job(), end));
      }
    }
  }

  /** Where this node's Raft reaches the voter. */
  private Endpoint address(int voterId) {
    Endpoint listed = identity.voters().get(voterId);
    VoterImage voter = image.get().voters().get(voterId);
    if (listed != null) {
      return listed;
    }
    if (voter == null) {
      throw new IllegalStateException("voter " + voterId + " has no address");
    }
    return voter.raft();
  }

  private void confirm(Admission.Action.Confirm confirm) {
    hellos.ask(
        address(confirm.voterId()),
        Hellos.Seeks.NOTHING,
        HELLO_TIMEOUT_NANOS,
        answer ->
            loop.execute(
                () ->
                    run(
                        core.onConfirmed(
                            confirm.job(),
                            answer == null || answer.getNodeId() != confirm.voterId()
                                ? null
                                : Peers.uid(answer.getDirectoryId()),
                            answer != null && answer.getFormingSetCount() > 0,
                            now()))));
  }

  private void changed(long job, RaftGroup.ChangeEnd end) {
    loop.execute(() -> run(core.onChanged(job, end.done(), end.why(), now())));
  }

  private void propose(Admission.Action.Admit admit) {
    LOG.info(
        "voter {} may vote with data directory {}; on record: {} (M16)",
        admit.command().voterId(),
        admit.command().directoryId(),
        admit.command().replaces() == null ? "none" : admit.command().replaces());
    group.propose(
        MetadataCommandCodec.encode(admit.command()),
        admit.term(),
        end -> loop.execute(() -> run(proposed(admit.job(), end))));
  }

  private List<Admission.Action> proposed(long job, Proposal end) {
    boolean applied =
        end instanceof Proposal.Applied done && done.answer() instanceof CommandOutcome.Done;
    return core.onProposed(job, applied, applied ? "" : String.valueOf(end), now());
  }
}
