package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Iterator;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.LeaderChangeContext;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.error.RaftException;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotReader;
import com.alipay.sofa.jraft.storage.snapshot.SnapshotWriter;
import io.kontiki.raft.StateMachine;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries JRaft's calls to one state machine, on the group's apply thread. An exception of the
 * state machine stops the group on this node and is reported as a fault (rule M11); no entry is
 * ever skipped.
 */
final class AppliedCommands implements com.alipay.sofa.jraft.StateMachine {
  private static final Logger LOG = LoggerFactory.getLogger(AppliedCommands.class);

  private final String group;
  private final StateMachine machine;
  private final FaultHandler faults;
  private final Executor background;
  private final SnapshotRoom room;
  private final Roles roles;
  private final SnapshotDue snapshotDue;
  private volatile @Nullable StorageException loadFailure;

  /** What the group does with changes of role and configuration; called on the apply thread. */
  interface Roles {
    void onLeading(long term);

    /** Returns the term that ended, -1 if {@link #onLeading} was not called for it. */
    long onLeadingEnds();

    /** No leader is known when the id says so. */
    void onFollowing(int leaderId, long term);

    /** Sorted. */
    void onVoters(List<Integer> nodeIds);
  }

  /** Says when the next snapshot is due (rule M18). */
  interface SnapshotDue {
    /** So many entries and bytes of commands were applied. */
    void onApplied(long entries, long bytes);
  }

  private record Answer(PendingProposal proposal, long index, Object answer) {}

  AppliedCommands(
      String group,
      StateMachine machine,
      FaultHandler faults,
      Executor background,
      SnapshotRoom room,
      Roles roles,
      SnapshotDue snapshotDue) {
    this.group = group;
    this.machine = machine;
    this.faults = faults;
    this.background = background;
    this.room = room;
    this.roles = roles;
    this.snapshotDue = snapshotDue;
  }

  /** Why the last snapshot could not be read. */
  @Nullable StorageException loadFailure() {
    return loadFailure;
  }

  @Override
  public void onApply(Iterator entries) {
    List<Answer> answers = new ArrayList<>();
    long applied = 0;
    long count = 0;
    long bytes = 0;
    while (entries.hasNext()) {
      long index = entries.getIndex();
      ByteBuffer command = entries.getData().asReadOnlyBuffer();
      bytes += command.remaining();
      try {
        Object answer = machine.apply(index, command);
        if (entries.done() instanceof PendingProposal proposal) {
          answers.add(new Answer(proposal, index, answer));
        }
      } catch (RuntimeException | Error e) {
        entries.setErrorAndRollback(
            1, new Status(RaftError.ESTATEMACHINE, "entry %d cannot be applied: %s", index, e));
        fault("entry " + index + " cannot be applied (M11)", e);
        break;
      }
      applied = index;
      count++;
      entries.next();
    }
    if (count > 0) {
      long last = applied;
      guarded("the end of a batch", () -> machine.onApplied(last));
    }
    answers.forEach(one -> one.proposal().applied(one.index(), one.answer()));
    snapshotDue.onApplied(count, bytes);
  }

  @Override
  public void onSnapshotSave(SnapshotWriter writer, Closure done) {
    try {
      StateMachine.SnapshotSource source = machine.snapshot();
      background.execute(() -> done.run(save(writer, source)));
    } catch (RejectedExecutionException e) {
      done.run(new Status(RaftError.ESHUTDOWN, "closing"));
    } catch (RuntimeException | Error e) {
      done.run(new Status(RaftError.ESTATEMACHINE, "no picture of the state: %s", e));
      fault("no picture of the state (M11)", e);
    }
  }

  /** What fails here does no harm, as long as the status is none with which JRaft stops (EIO). */
  private Status save(SnapshotWriter writer, StateMachine.SnapshotSource source) {
    Path file = Path.of(writer.getPath(), SnapshotFile.NAME);
    try {
      write(file, source);
      if (!room.make()) {
        Files.deleteIfExists(file);
        throw new IOException("the disk has no room for the end of it");
      }
      return writer.addFile(SnapshotFile.NAME)
          ? Status.OK()
          : new Status(RaftError.EIO, "JRaft refuses %s", SnapshotFile.NAME);
    } catch (IOException | RuntimeException e) {
      LOG.warn("[{}] snapshot not written, the log grows until the next one", group, e);
      return new Status(RaftError.EINTERNAL, "snapshot not written: %s", e);
    }
  }

  /** Again if room could be made, perhaps by the ballast (rule D4). */
  private void write(Path file, StateMachine.SnapshotSource source) throws IOException {
    try {
      SnapshotFile.write(file, source);
    } catch (IOException e) {
      Files.deleteIfExists(file);
      if (!room.make()) {
        throw e;
      }
      SnapshotFile.write(file, source);
    }
  }

  @Override
  public boolean onSnapshotLoad(SnapshotReader reader) {
    Path file = Path.of(reader.getPath(), SnapshotFile.NAME);
    try {
      SnapshotFile.check(file);
      try (InputStream content = SnapshotFile.content(file)) {
        machine.restore(content);
      }
      long index = reader.load().getLastIncludedIndex();
      machine.onApplied(index);
      LOG.info("[{}] restored the state of index {}", group, index);
      return true;
    } catch (StorageException e) {
      loadFailure = e;
    } catch (IOException | RuntimeException e) {
      loadFailure =
          new StorageException(
              StorageException.Kind.CORRUPT, file.toString(), -1, "cannot be restored", e);
    }
    return false;
  }

  @Override
  public void onLeaderStart(long term) {
    LOG.info("[{}] leads term {}", group, term);
    roles.onLeading(term);
    guarded("the start of term " + term, () -> machine.onLeaderStart(term));
  }

  @Override
  public void onLeaderStop(Status why) {
    long term = roles.onLeadingEnds();
    if (term < 0) {
      return; // elected, and deposed before it had committed an entry of its term
    }
    LOG.info("[{}] leads term {} no more: {}", group, term, why.getErrorMsg());
    guarded("the end of term " + term, () -> machine.onLeaderStop(term));
  }

  @Override
  public void onStartFollowing(LeaderChangeContext context) {
    int leader = RaftPeers.nodeId(context.getLeaderId());
    LOG.info("[{}] follows node {} in term {}", group, leader, context.getTerm());
    roles.onFollowing(leader, context.getTerm());
    guarded("following", () -> machine.onFollowing(leader, context.getTerm()));
  }

  @Override
  public void onStopFollowing(LeaderChangeContext context) {
    roles.onFollowing(RaftPeers.NO_NODE, context.getTerm());
    guarded("no leader", () -> machine.onFollowing(RaftPeers.NO_NODE, context.getTerm()));
  }

  @Override
  public void onConfigurationCommitted(Configuration configuration) {
    roles.onVoters(RaftPeers.nodeIds(configuration));
  }

  @Override
  public void onError(RaftException error) {
    StorageException load = loadFailure;
    fault("Raft stopped: " + error.getStatus(), load == null ? error : load);
  }

  @Override
  public void onShutdown() {
    // RaftGroup.close says so to whoever asked for it
  }

  private void guarded(String what, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException | Error e) {
      fault("the state machine fails at " + what + " (M11)", e);
    }
  }

  private void fault(String what, Throwable cause) {
    faults.onFault("group " + group + ": " + what, cause);
  }
}
