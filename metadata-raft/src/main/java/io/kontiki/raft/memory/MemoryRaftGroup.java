package io.kontiki.raft.memory;

import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.StateMachine;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.Worker;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A node of a {@link MemoryRaft}. Completions run on the node's worker; those of one batch of
 * entries after the state machine's {@code onApplied}.
 */
public final class MemoryRaftGroup implements RaftGroup {
  private static final long NOT_LEADING = -1;

  private final MemoryRaft raft;
  private final int nodeId;
  private final StateMachine machine;
  private final Worker worker;

  // Guarded by the lock on raft.
  private final ArrayDeque<Task> tasks = new ArrayDeque<>();
  private final List<Waiting> waiting = new ArrayList<>();
  private final TreeMap<Long, Completion<Proposal>> proposed = new TreeMap<>();
  private boolean draining;
  private boolean up = true;
  private boolean inTouch = true;
  private long term;
  private int leaderId = NO_NODE;
  private long ledTerm = NOT_LEADING;
  private long appliedIndex;
  private long appliedTerm;

  MemoryRaftGroup(MemoryRaft raft, int nodeId, StateMachine machine, Worker worker) {
    this.raft = raft;
    this.nodeId = nodeId;
    this.machine = machine;
    this.worker = worker;
  }

  /** Something for the worker; a failure stops the node (rule M11). */
  private interface Task {
    void run() throws IOException;
  }

  /** A proposal that no majority has seen yet. */
  private record Waiting(long term, ByteBuffer command, Completion<Proposal> completion) {}

  /** An answer that is due. */
  private record Answer(Completion<Proposal> completion, Proposal proposal) {}

  @Override
  public void propose(ByteBuffer command, long expectedTerm, Completion<Proposal> completion) {
    ByteBuffer copy = ByteBuffer.allocate(command.remaining()).put(command.duplicate()).flip();
    synchronized (raft) {
      if (!up) {
        later(() -> completion.complete(new Proposal.NotAppended(NO_NODE, "closed")));
      } else if (leaderId != nodeId) {
        int leader = leaderId;
        later(() -> completion.complete(new Proposal.NotAppended(leader, "does not lead")));
      } else if (expectedTerm != -1 && expectedTerm != term) {
        String why = "leads term " + term + ", not " + expectedTerm;
        later(() -> completion.complete(new Proposal.NotAppended(nodeId, why)));
      } else {
        waiting.add(new Waiting(term, copy, completion));
        if (inTouch && raft.leads(nodeId) && raft.hasMajority()) {
          commitsWaiting();
        }
      }
    }
    wake();
    raft.wakeAll();
  }

  @Override
  public void readIndex(Completion<Long> completion) {
    synchronized (raft) {
      long index = up && inTouch && raft.hasLeaderInTouch() ? raft.committedIndex() : -1;
      later(() -> completion.complete(index));
    }
    wake();
  }

  @Override
  public void confirmLeadership(Completion<Long> completion) {
    synchronized (raft) {
      later(() -> completion.complete(confirmedTerm()));
    }
    wake();
  }

  @Override
  public RaftStatus status() {
    synchronized (raft) {
      boolean leading = up && leaderId == nodeId;
      List<Member> members = new ArrayList<>();
      for (Map.Entry<Integer, Endpoint> voter : raft.voters().entrySet()) {
        members.add(
            new Member(
                voter.getKey(),
                voter.getValue(),
                leading ? raft.committedIndex() : -1,
                leading ? 0 : -1));
      }
      return new RaftStatus(
          raft.group(),
          leaderId,
          leading,
          term,
          inTouch ? raft.committedIndex() : appliedIndex,
          appliedIndex,
          List.copyOf(members));
    }
  }

  @Override
  public void removeVoter(int voterId, Completion<ChangeEnd> completion) {
    change(() -> raft.removes(voterId), completion);
  }

  @Override
  public void addVoter(int voterId, Endpoint endpoint, Completion<ChangeEnd> completion) {
    change(() -> raft.adds(voterId, endpoint), completion);
  }

  private void change(Supplier<@Nullable String> change, Completion<ChangeEnd> completion) {
    synchronized (raft) {
      boolean leads = up && inTouch && raft.leads(nodeId) && raft.hasMajority();
      String why = leads ? change.get() : "does not lead";
      later(() -> completion.complete(new ChangeEnd(why == null, why == null ? "" : why)));
    }
    wake();
  }

  @Override
  public void transferLeadership() {
    synchronized (raft) {
      if (up && inTouch && raft.leads(nodeId)) {
        raft.transferFrom(nodeId);
      }
    }
    raft.wakeAll();
  }

  @Override
  public void transferLeadershipTo(int voterId) {
    boolean elects;
    synchronized (raft) {
      elects = up && inTouch && raft.leads(nodeId) && raft.electable().contains(voterId);
    }
    if (elects && voterId != nodeId) {
      raft.elect(voterId);
    }
  }

  /** Ends the node; proposals that are not applied here end as unknown. */
  @Override
  public void close() {
    synchronized (raft) {
      if (!up) {
        return;
      }
      up = false;
      long led = ledTerm;
      if (led != NOT_LEADING) {
        ledTerm = NOT_LEADING;
        later(() -> machine.onLeaderStop(led));
      }
      endProposals("the node closed");
      leaderId = NO_NODE;
      raft.closed(this);
    }
    wake();
    raft.wakeAll();
  }

  // What follows is called with the lock on raft, unless it says otherwise.

  int nodeId() {
    return nodeId;
  }

  boolean inTouch() {
    return inTouch;
  }

  void setInTouch(boolean inTouch) {
    this.inTouch = inTouch;
  }

  void catchesUp() {
    later(this::applyCommitted);
  }

  void learns(long newTerm, int newLeader) {
    if (newTerm == term && newLeader == leaderId) {
      return;
    }
    term = newTerm;
    leaderId = newLeader;
    if (ledTerm != NOT_LEADING) {
      long led = ledTerm;
      ledTerm = NOT_LEADING;
      later(() -> machine.onLeaderStop(led));
    }
    if (newLeader != nodeId) {
      endProposals("leadership moved to node " + newLeader);
      later(() -> machine.onFollowing(newLeader, newTerm));
    }
  }

  void startsLeading(long newTerm) {
    ledTerm = newTerm;
    later(() -> machine.onLeaderStart(newTerm));
  }

  void commitsWaiting() {
    List<Waiting> all = List.copyOf(waiting);
    waiting.clear();
    for (Waiting one : all) {
      long index = raft.commit(new MemoryRaft.Entry(one.term(), one.command()));
      proposed.put(index, one.completion());
    }
  }

  void takesSnapshot() {
    later(
        () -> {
          long index;
          long ofTerm;
          synchronized (raft) {
            index = appliedIndex;
            ofTerm = appliedTerm;
          }
          ByteArrayOutputStream out = new ByteArrayOutputStream();
          machine.snapshot().writeTo(out);
          synchronized (raft) {
            raft.compactTo(
                new MemoryRaft.Snapshot(index, ofTerm, ByteBuffer.wrap(out.toByteArray())));
          }
        });
  }

  /** Hands the tasks to the worker; to be called without the lock. */
  void wake() {
    synchronized (raft) {
      if (draining || tasks.isEmpty()) {
        return;
      }
      draining = true;
    }
    worker.execute(this::drain);
  }

  private void later(Task task) {
    tasks.add(task);
  }

  private void endProposals(String why) {
    List<Completion<Proposal>> ended = new ArrayList<>();
    waiting.forEach(one -> ended.add(one.completion()));
    waiting.clear();
    if (!up) {
      ended.addAll(proposed.values());
      proposed.clear();
    }
    if (!ended.isEmpty()) {
      later(() -> ended.forEach(one -> one.complete(new Proposal.Unknown(why))));
    }
  }

  private long confirmedTerm() {
    synchronized (raft) {
      boolean confirmed = up && inTouch && raft.leads(nodeId) && raft.hasMajority();
      return confirmed ? ledTerm : NOT_LEADING;
    }
  }

  /** On the worker, without the lock. */
  private void drain() {
    while (true) {
      Task task;
      synchronized (raft) {
        task = tasks.poll();
        if (task == null) {
          draining = false;
          return;
        }
      }
      try {
        task.run();
      } catch (IOException | RuntimeException e) {
        close();
        raft.faults().onFault("group " + raft.group() + " on node " + nodeId + " (M11)", e);
      }
    }
  }

  /** On the worker, without the lock. */
  private void applyCommitted() throws IOException {
    List<Answer> answers = new ArrayList<>();
    MemoryRaft.Snapshot missed = missedSnapshot();
    if (missed != null) {
      byte[] content = new byte[missed.content().remaining()];
      missed.content().duplicate().get(content);
      machine.restore(new ByteArrayInputStream(content));
      synchronized (raft) {
        appliedIndex = missed.index();
        appliedTerm = missed.term();
        // The snapshot says nothing of the answers to what it covers.
        SortedMap<Long, Completion<Proposal>> covered = proposed.headMap(missed.index() + 1);
        covered
            .values()
            .forEach(one -> answers.add(new Answer(one, new Proposal.Unknown("jumped"))));
        covered.clear();
      }
      machine.onApplied(missed.index());
    }
    long before = applied();
    for (MemoryRaft.Entry entry = next(); entry != null; entry = next()) {
      long index = applied() + 1;
      if (entry.command() != null) {
        Object answer = machine.apply(index, entry.command().asReadOnlyBuffer());
        Completion<Proposal> completion = proposer(index);
        if (completion != null) {
          answers.add(new Answer(completion, new Proposal.Applied(index, answer)));
        }
      }
      synchronized (raft) {
        appliedIndex = index;
        appliedTerm = entry.term();
      }
    }
    if (applied() > before) {
      machine.onApplied(applied());
    }
    answers.forEach(answer -> answer.completion().complete(answer.proposal()));
  }

  private MemoryRaft.@Nullable Snapshot missedSnapshot() {
    synchronized (raft) {
      return appliedIndex + 1 < raft.firstIndex() ? raft.snapshotTaken() : null;
    }
  }

  private MemoryRaft.@Nullable Entry next() {
    synchronized (raft) {
      return up && inTouch && appliedIndex < raft.committedIndex()
          ? raft.entry(appliedIndex + 1)
          : null;
    }
  }

  private long applied() {
    synchronized (raft) {
      return appliedIndex;
    }
  }

  private @Nullable Completion<Proposal> proposer(long index) {
    synchronized (raft) {
      return proposed.remove(index);
    }
  }
}
