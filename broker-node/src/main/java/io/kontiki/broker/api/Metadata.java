package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;

/**
 * This broker's view of the cluster metadata and its way to the metadata leader. Thread-safe;
 * completions run on the control loop.
 */
public interface Metadata {
  /** The newest image that this broker has applied; never goes back (rule M22). */
  ClusterImage image();

  /**
   * An image at least as new as everything committed before the call (rules M4, P13).
   *
   * @param deadlineNanos by the loop's clock; then QUORUM_UNAVAILABLE
   */
  void readLatest(long deadlineNanos, Completion<Result<ClusterImage>> completion);

  /**
   * The image once it has reached an index.
   *
   * @param deadlineNanos then QUORUM_UNAVAILABLE
   */
  void awaitIndex(long index, long deadlineNanos, Completion<Result<ClusterImage>> completion);

  /**
   * Brings a command to the metadata leader and waits until it is committed and this broker has
   * applied it. A rejection arrives as {@code Ok(Submitted(…, Rejected))}; QUORUM_UNAVAILABLE is
   * definite (never proposed), OUTCOME_UNKNOWN is not (rule M3).
   */
  void submit(
      MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion);

  /** Calls the listener on the control loop after each new image, first with the present one. */
  void listen(Listener listener);

  /** Stops calling it. */
  void unlisten(Listener listener);

  /** The metadata group as this node sees it; on brokers that are not voters as a voter told. */
  RaftGroup.RaftStatus quorum();

  /**
   * The metadata group as its leader sees it, with what it knows of each voter; {@link #quorum} if
   * the leader does not answer in time.
   */
  void leaderView(long deadlineNanos, Completion<RaftGroup.RaftStatus> completion);

  /** A command's end. */
  record Submitted(long index, CommandOutcome outcome) {}

  /** Told of images. */
  interface Listener {
    /** Images may be skipped, never repeated (rule M8). */
    void onImage(ClusterImage image);
  }
}
