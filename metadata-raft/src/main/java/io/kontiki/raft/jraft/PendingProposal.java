package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.Closure;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.runtime.Completion;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntSupplier;

/** A command on its way through JRaft. Whatever happens, its proposer gets one answer. */
final class PendingProposal implements Closure {
  private final Completion<Proposal> completion;
  private final IntSupplier leaderId;
  private final Set<PendingProposal> all;
  private final AtomicBoolean ended = new AtomicBoolean();

  /**
   * @param all gets this proposal until it has ended
   */
  PendingProposal(Completion<Proposal> completion, IntSupplier leaderId, Set<PendingProposal> all) {
    this.completion = completion;
    this.leaderId = leaderId;
    this.all = all;
    all.add(this);
  }

  void applied(long index, Object answer) {
    end(new Proposal.Applied(index, answer));
  }

  /** It never reached JRaft. */
  void refuse(String why) {
    end(new Proposal.NotAppended(leaderId.getAsInt(), why));
  }

  /** A failure; JRaft never reports a success here. */
  @Override
  public void run(Status status) {
    end(
        wasRefused(status)
            ? new Proposal.NotAppended(leaderId.getAsInt(), status.toString())
            : new Proposal.Unknown(status.toString()));
  }

  private void end(Proposal proposal) {
    if (ended.compareAndSet(false, true)) {
      all.remove(this);
      completion.complete(proposal);
    }
  }

  /**
   * Whether JRaft refused a command before it appended it. The same code with another text may mean
   * that a leader stepped down with the command in its log, so what is not known for certain counts
   * as unknown (rule M3).
   */
  private static boolean wasRefused(Status status) {
    RaftError error = status.getRaftError();
    String text = status.getErrorMsg() == null ? "" : status.getErrorMsg();
    return error == RaftError.EBUSY
        || error == RaftError.ENODESHUTDOWN
        || (error == RaftError.EPERM
            && (text.startsWith("Is not leader") || text.startsWith("expected_term=")));
  }
}
