package io.kontiki.broker.api;

import io.kontiki.broker.api.VoterChanges.Groups;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.List;

/**
 * Changes who votes, online and one node at a time (rule M23). A change is one command; the leaders
 * of the Raft groups bring it about from then on, whoever they are. Any loop.
 */
public final class QuorumAdmin {
  private static final long AGAIN_NANOS = 200_000_000;

  /** So much earlier a call ends that still waits. */
  private static final long MARGIN_NANOS = 300_000_000;

  private final Metadata metadata;
  private final ShardViews shards;

  public QuorumAdmin(Metadata metadata, ShardViews shards) {
    this.metadata = metadata;
    this.shards = shards;
  }

  /**
   * Makes an active broker a voter; the answer, when it votes in every group, is all voters.
   *
   * <p>BROKER_NOT_FOUND, IS_VOTER, QUORUM_CHANGE_IN_PROGRESS, WOULD_LOSE_QUORUM, VOTER_NOT_READY,
   * QUORUM_UNAVAILABLE. A change that this call, or one before it, has begun is waited for; so is,
   * before it is begun, a leader that does not answer.
   */
  public void add(CallContext call, int nodeId, Completion<Result<List<Integer>>> completion) {
    look(
        call,
        (groups, image) -> {
          if (!image.voters().containsKey(nodeId)) {
            submit(
                call,
                VoterChanges.add(image, groups, nodeId, call.loop().clock().wallMs()),
                () -> add(call, nodeId, completion),
                () -> await(call, nodeId, true, completion),
                completion);
          } else if (VoterChanges.settled(image, groups)) {
            completion.complete(
                Result.error(
                    ApiError.definite(
                            ErrorReason.IS_VOTER,
                            "node "
                                + nodeId
                                + " votes already; the voters are "
                                + image.voters().keySet())
                        .with("nodeId", nodeId)));
          } else {
            await(call, nodeId, true, completion);
          }
        },
        completion);
  }

  /**
   * Ends that a node votes; the answer, when no group counts it, is the voters that are left.
   *
   * <p>VOTER_NOT_FOUND, QUORUM_CHANGE_IN_PROGRESS, WOULD_LOSE_QUORUM, QUORUM_UNAVAILABLE. A change
   * that this call, or one before it, has begun is waited for; so is, before it is begun, a leader
   * that does not answer.
   */
  public void remove(CallContext call, int nodeId, Completion<Result<List<Integer>>> completion) {
    look(
        call,
        (groups, image) -> {
          if (!image.voters().containsKey(nodeId) && VoterChanges.counted(groups, nodeId)) {
            await(call, nodeId, false, completion);
          } else {
            submit(
                call,
                VoterChanges.remove(image, groups, nodeId, call.loop().clock().wallMs()),
                () -> remove(call, nodeId, completion),
                () -> await(call, nodeId, false, completion),
                completion);
          }
        },
        completion);
  }

  /** What was seen of the groups, and an image that is newer than that. */
  private interface Seen {
    void take(Groups groups, ClusterImage image);
  }

  private <T> void look(CallContext call, Seen seen, Completion<Result<T>> failed) {
    Groups.look(
        metadata,
        shards,
        call,
        groups ->
            metadata.readLatest(
                call.answerByNanos(),
                call.home(
                    latest -> {
                      if (latest instanceof Result.Ok<ClusterImage> image) {
                        seen.take(groups, image.value());
                      } else {
                        failed.complete(Result.error(((Result.Err<ClusterImage>) latest).error()));
                      }
                    })));
  }

  private void submit(
      CallContext call,
      Result<MetadataCommand> decided,
      Runnable again,
      Runnable begun,
      Completion<Result<List<Integer>>> completion) {
    if (decided instanceof Result.Err<MetadataCommand> refused) {
      // A leader is elected, or answers late: another look costs nothing, and needs no operator.
      if (refused.error().reason() == ErrorReason.QUORUM_UNAVAILABLE
          && isTimeForAnotherLook(call)) {
        call.loop().schedule(AGAIN_NANOS, again);
      } else {
        completion.complete(Result.error(refused.error()));
      }
      return;
    }
    metadata.submit(
        ((Result.Ok<MetadataCommand>) decided).value(),
        call.answerByNanos(),
        call.home(
            submitted -> {
              if (submitted instanceof Result.Err<Metadata.Submitted> failed) {
                completion.complete(Result.error(failed.error()));
                return;
              }
              CommandOutcome outcome =
                  ((Result.Ok<Metadata.Submitted>) submitted).value().outcome();
              if (!(outcome instanceof CommandOutcome.Rejected rejected)) {
                begun.run();
              } else if (rejected.error().reason() == ErrorReason.BUSY && call.leftNanos() > 0) {
                again.run(); // somebody else changed the voters (M2)
              } else {
                completion.complete(Result.error(rejected.error()));
              }
            }));
  }

  /**
   * Waits until all groups count the image's voters.
   *
   * @param votes whether the node shall be one of them
   */
  private void await(
      CallContext call, int nodeId, boolean votes, Completion<Result<List<Integer>>> completion) {
    look(
        call,
        (groups, image) -> {
          boolean voter = image.voters().containsKey(nodeId);
          if (voter != votes) {
            completion.complete(
                Result.error(
                    ApiError.indefinite(
                        ErrorReason.QUORUM_CHANGE_IN_PROGRESS,
                        "node "
                            + nodeId
                            + " was "
                            + (voter ? "added" : "removed")
                            + " meanwhile")));
          } else if (VoterChanges.settled(image, groups)) {
            completion.complete(Result.ok(List.copyOf(image.voters().keySet())));
          } else if (isTimeForAnotherLook(call)) {
            call.loop().schedule(AGAIN_NANOS, () -> await(call, nodeId, votes, completion));
          } else {
            completion.complete(Result.error(late(nodeId, votes)));
          }
        },
        completion);
  }

  private static boolean isTimeForAnotherLook(CallContext call) {
    return call.leftNanos() > AGAIN_NANOS + MARGIN_NANOS;
  }

  private static ApiError late(int nodeId, boolean votes) {
    return votes
        ? ApiError.indefinite(
                ErrorReason.VOTER_NOT_READY,
                "node "
                    + nodeId
                    + " has been made a voter and does not vote in every group yet: it is taken in"
                    + " as soon as it has caught up; see 'kontiki cluster quorum'")
            .with("nodeId", nodeId)
        : ApiError.indefinite(
                ErrorReason.QUORUM_CHANGE_IN_PROGRESS,
                "node "
                    + nodeId
                    + " is no voter any more, and a group still counts it: it is taken out as soon"
                    + " as a majority answers; see 'kontiki cluster quorum'")
            .with("nodeId", nodeId);
  }
}
