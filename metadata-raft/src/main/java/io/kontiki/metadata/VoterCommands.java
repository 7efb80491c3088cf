package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Who votes, changed by operators one voter at a time (rule M23). Both commands are
 * compare-and-sets on the voters' ids: what was judged on other voters is judged again.
 */
final class VoterCommands {
  private VoterCommands() {}

  static CommandOutcome add(ImageDraft draft, MetadataCommand.AddVoter command) {
    ClusterImage image = draft.before();
    int id = command.brokerId();
    List<Integer> now = List.copyOf(image.voters().keySet());
    if (image.voters().containsKey(id)) {
      List<Integer> after = new ArrayList<>(command.before());
      after.add(id);
      after.sort(null);
      // A copy of what was applied (M2).
      return after.equals(now) ? new Done() : changed();
    }
    if (!command.before().equals(now)) {
      return changed();
    }
    Rejected stale = BrokerCommands.stale(draft, id, command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    BrokerImage broker = Objects.requireNonNull(image.brokers().get(id));
    ApiError refusal = refusal(image, broker);
    if (refusal != null) {
      return new Rejected(refusal);
    }
    draft.put(new VoterImage(id, broker.endpoints().raft(), null));
    return new Done();
  }

  /** Why the broker may not become a voter; null: it may. */
  private static @Nullable ApiError refusal(ClusterImage image, BrokerImage broker) {
    if (image.voters().size() >= Limits.VOTERS) {
      return ApiError.definite(
              ErrorReason.INVALID_FIELD,
              "the voters are "
                  + image.voters().keySet()
                  + ", and a cluster has at most "
                  + Limits.VOTERS
                  + ": remove one first")
          .with("nodeId", broker.id());
    }
    for (VoterImage voter : image.voters().values()) {
      if (voter.directoryId() == null) {
        return ApiError.definite(
                ErrorReason.QUORUM_CHANGE_IN_PROGRESS,
                "node "
                    + voter.id()
                    + " has been made a voter and does not vote yet: start it, or remove it")
            .with("nodeId", voter.id());
      }
    }
    if (broker.state() != State.ACTIVE) {
      return ApiError.definite(
              ErrorReason.VOTER_NOT_READY,
              "broker "
                  + broker.id()
                  + " is "
                  + broker.state()
                  + ": only an active one can become a voter")
          .with("nodeId", broker.id());
    }
    return null;
  }

  static CommandOutcome remove(ImageDraft draft, MetadataCommand.RemoveVoter command) {
    ClusterImage image = draft.before();
    int id = command.voterId();
    List<Integer> now = List.copyOf(image.voters().keySet());
    if (!image.voters().containsKey(id)) {
      List<Integer> after = new ArrayList<>(command.before());
      boolean was = after.remove(Integer.valueOf(id));
      return was && after.equals(now)
          ? new Done()
          : MetadataMachine.rejected(ErrorReason.VOTER_NOT_FOUND, "node " + id + " is no voter");
    }
    if (!command.before().equals(now)) {
      return changed();
    }
    if (now.size() == 1) {
      return new Rejected(
          ApiError.definite(
                  ErrorReason.WOULD_LOSE_QUORUM,
                  "node " + id + " is the only voter: add another one before it is removed")
              .with("nodeId", id));
    }
    draft.removeVoter(id);
    return new Done();
  }

  private static Rejected changed() {
    return TopicCommands.changedMeanwhile("the voters");
  }
}
