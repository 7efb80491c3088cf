package io.kontiki.chaos.simulation;

import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.SimulatedTime;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;

/**
 * A node's Raft group whose proposals take a while, at times. What a leader of the metadata decides
 * under its term keeps its order; what brokers ask for has come over different connections, and
 * changes of in-sync sets also come twice, as a broker repeats them after an unknown end (R14).
 */
final class SlowRaftGroup implements RaftGroup {
  /** A copy waits at most so long somewhere. */
  private static final int LATE_MS = 8_000;

  private final RaftGroup group;
  private final SimulatedTime time;
  private final SeededRandom random;
  private final LongSupplier slowNanos;
  private long lastDecision;

  /**
   * @param slowNanos the longest delay at the moment; 0: none
   */
  SlowRaftGroup(RaftGroup group, SimulatedTime time, SeededRandom random, LongSupplier slowNanos) {
    this.group = group;
    this.time = time;
    this.random = random;
    this.slowNanos = slowNanos;
  }

  @Override
  public void propose(ByteBuffer command, long expectedTerm, Completion<Proposal> completion) {
    long most = slowNanos.getAsLong();
    long now = time.clock().nanoTime();
    if (most == 0 && lastDecision <= now) {
      group.propose(command, expectedTerm, completion);
      return;
    }
    ByteBuffer copy = ByteBuffer.allocate(command.remaining()).put(command.duplicate()).flip();
    long due = now + random.nextInt((int) (most / 1_000) + 1) * 1_000L;
    if (expectedTerm != -1) {
      due = Math.max(due, lastDecision);
      lastDecision = due;
    } else if (most > 0
        && random.oneIn(3)
        && MetadataCommandCodec.decode(0, copy.duplicate())
            instanceof MetadataCommand.AlterPartitions) {
      long again = due + random.nextInt(LATE_MS) * 1_000_000L;
      time.after(again - now, () -> group.propose(copy.duplicate(), expectedTerm, end -> {}));
    }
    time.after(due - now, () -> group.propose(copy.duplicate(), expectedTerm, completion));
  }

  @Override
  public void readIndex(Completion<Long> completion) {
    group.readIndex(completion);
  }

  @Override
  public void confirmLeadership(Completion<Long> completion) {
    group.confirmLeadership(completion);
  }

  @Override
  public RaftStatus status() {
    return group.status();
  }

  @Override
  public void removeVoter(int voterId, Completion<ChangeEnd> completion) {
    group.removeVoter(voterId, completion);
  }

  @Override
  public void addVoter(int voterId, Endpoint endpoint, Completion<ChangeEnd> completion) {
    group.addVoter(voterId, endpoint, completion);
  }

  @Override
  public void transferLeadership() {
    group.transferLeadership();
  }

  @Override
  public void transferLeadershipTo(int nodeId) {
    group.transferLeadershipTo(nodeId);
  }

  @Override
  public void close() {
    group.close();
  }
}
