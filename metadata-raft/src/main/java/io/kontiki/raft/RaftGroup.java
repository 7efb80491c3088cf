package io.kontiki.raft;

import io.kontiki.model.Endpoint;
import io.kontiki.runtime.Completion;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One Raft group on this node. Thread-safe; completions run on threads of the group and must not
 * block.
 */
public interface RaftGroup extends AutoCloseable {
  /** No such node. */
  int NO_NODE = -1;

  /** Most bytes of a command; a larger one is refused. */
  int MAX_COMMAND_BYTES = 4 << 20;

  /**
   * Proposes a command.
   *
   * @param expectedTerm the term under which the proposer formed its view; another term refuses the
   *     command without appending it (rule M3). -1: any
   */
  void propose(ByteBuffer command, long expectedTerm, Completion<Proposal> completion);

  /**
   * Finds an index that covers everything committed before the call (ReadIndex, rule M4), and waits
   * until this node has applied it. Works on leader and follower.
   *
   * @param completion the index, or -1: no leader could confirm in time
   */
  void readIndex(Completion<Long> completion);

  /**
   * Confirms that this node leads, by a ReadIndex round that began after the call, with the same
   * leadership before and after (rule M14).
   *
   * @param completion the term that it leads, or -1
   */
  void confirmLeadership(Completion<Long> completion);

  /** What this node sees now. */
  RaftStatus status();

  /**
   * Takes a voter out of the group's configuration; on the leader only. Safe to repeat: done if it
   * is out already and that is committed.
   */
  void removeVoter(int nodeId, Completion<ChangeEnd> completion);

  /**
   * Takes a voter into the group's configuration, once it has nearly all entries; on the leader
   * only. Safe to repeat.
   *
   * @param endpoint where its Raft listens
   */
  void addVoter(int nodeId, Endpoint endpoint, Completion<ChangeEnd> completion);

  /** Hands leadership to another voter, if there is one that is up; does nothing on a follower. */
  void transferLeadership();

  /**
   * Hands leadership to that voter, once it holds all that this node has; proposals are refused
   * meanwhile. Does nothing on a follower.
   */
  void transferLeadershipTo(int nodeId);

  /** Leaves the group's log on disk complete and stops. */
  @Override
  void close();

  /**
   * The end of a change of the configuration.
   *
   * @param done the configuration that was asked for is committed; else nobody knows, for {@code
   *     why}
   */
  record ChangeEnd(boolean done, String why) {}

  /** The end of a proposal. */
  sealed interface Proposal {
    /** Committed and applied here. */
    record Applied(long index, Object answer) implements Proposal {}

    /** Certainly not appended: this node does not lead, or not that term. */
    record NotAppended(int leaderId, String why) implements Proposal {}

    /** It may be applied some day (rule M3). */
    record Unknown(String why) implements Proposal {}
  }

  /**
   * What a node sees of its group.
   *
   * @param leaderId or {@link #NO_NODE}
   * @param leading whether this node leads
   * @param voters of the committed configuration as this node knows it, with what the leader knows
   *     of each, by id
   */
  record RaftStatus(
      String group,
      int leaderId,
      boolean leading,
      long term,
      long committedIndex,
      long appliedIndex,
      List<Member> voters) {}

  /**
   * A voter.
   *
   * @param matchIndex what it is known to hold; -1: not known, because this node does not lead
   * @param lastContactMs since it last answered the leader; -1: never or not known
   */
  record Member(int nodeId, Endpoint endpoint, long matchIndex, long lastContactMs) {}
}
