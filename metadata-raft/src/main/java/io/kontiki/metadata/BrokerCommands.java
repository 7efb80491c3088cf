package io.kontiki.metadata;

import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Number;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.model.ApiError;
import io.kontiki.model.Durability;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Registration, fencing and stopping of brokers (rules R1 to R7, R35, R47, M7). */
final class BrokerCommands {
  /** When a node id may be free: a session is over by then (R35). */
  private static final long ID_IN_USE_RETRY_MS = 500;

  private BrokerCommands() {}

  static CommandOutcome register(ImageDraft draft, MetadataCommand.RegisterBroker command) {
    ClusterImage image = draft.before();
    if (!command.clusterId().equals(Uid.NONE) && !command.clusterId().equals(image.clusterId())) {
      return MetadataMachine.rejected(
          ErrorReason.INVALID_FIELD,
          "broker "
              + command.brokerId()
              + " has data of cluster "
              + command.clusterId()
              + "; this is cluster "
              + image.clusterId());
    }
    if (command.brokerId() < 0) {
      return MetadataMachine.rejected(
          ErrorReason.INVALID_FIELD, "broker id " + command.brokerId() + " must not be negative");
    }
    BrokerImage old = image.brokers().get(command.brokerId());
    if (old == null) {
      if (image.brokers().size() >= Limits.BROKERS) {
        return MetadataMachine.rejected(
            ErrorReason.BUSY, "at most " + Limits.BROKERS + " brokers (M19)");
      }
    } else if (old.incarnation().equals(command.incarnation())
        && old.directoryId().equals(command.directoryId())) {
      // A copy of what was applied (M2): one epoch per process life.
      return new Number(old.epoch());
    } else if (old.directoryId().equals(command.directoryId())) {
      boolean clean = command.cleanEpoch() == old.epoch();
      replace(draft, command);
      draft.changeAll(
          partition -> involves(partition, old.id()),
          (topic, change) -> {
            change.leaveIsr(old.id());
            // What an fsync replica acknowledged is on its disk, however it stopped (R3).
            if (!clean && topic.durability() != Durability.FSYNC) {
              change.leaveElr(old.id());
            }
          });
      return new Number(draft.index());
    } else if (old.unfenced()) {
      return new Rejected(
          ApiError.retriable(
                  ErrorReason.BROKER_ALIVE,
                  "node id "
                      + old.id()
                      + " is in use by a broker with another data directory ("
                      + old.directoryId()
                      + ", epoch "
                      + old.epoch()
                      + ") that is not fenced (R35)",
                  ID_IN_USE_RETRY_MS)
              .with("nodeId", old.id()));
    } else {
      replace(draft, command);
      draft.changeAll(
          partition -> involves(partition, old.id()), (topic, change) -> change.forget(old.id()));
      return new Number(draft.index());
    }
    replace(draft, command);
    return new Number(draft.index());
  }

  private static void replace(ImageDraft draft, MetadataCommand.RegisterBroker command) {
    BrokerImage old = draft.before().brokers().get(command.brokerId());
    draft.put(
        new BrokerImage(
            command.brokerId(),
            draft.index(),
            command.directoryId(),
            command.incarnation(),
            command.endpoints(),
            State.FENCED,
            command.timeMs(),
            command.version(),
            old == null ? BrokerImage.Wish.NONE : old.wish(),
            old == null ? 0 : old.wishes()));
    draft.dropLogEnds(command.brokerId());
  }

  static CommandOutcome unfence(ImageDraft draft, MetadataCommand.UnfenceBroker command) {
    Rejected stale = stale(draft, command.brokerId(), command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    int broker = command.brokerId();
    if (draft.state(broker) != State.FENCED) {
      return new Done();
    }
    BrokerImage.Wish wish = Objects.requireNonNull(draft.before().brokers().get(broker)).wish();
    if (wish.fences()) {
      return MetadataMachine.rejected(
          ErrorReason.BROKER_STARTING, "broker " + broker + " is fenced by an operator");
    }
    moveTo(draft, broker, serving(wish), command.timeMs());
    // Before anybody is elected: doubt found at recovery ends an ELR place (R3).
    for (PartitionId id : command.doubtful()) {
      PartitionImage partition = draft.partition(id);
      TopicImage topic = draft.before().topics().get(id.topicId());
      if (partition != null && topic != null && partition.elr().contains(broker)) {
        PartitionChange change = new PartitionChange(partition, topic.minIsr(partition));
        change.leaveElr(broker);
        draft.change(id, change, partition);
      }
    }
    draft.changeAll(
        partition -> partition.leader() == PartitionImage.NO_LEADER && involves(partition, broker),
        (topic, change) -> {});
    return new Done();
  }

  static CommandOutcome fence(ImageDraft draft, MetadataCommand.FenceBroker command) {
    // Never a newer incarnation than the one that was judged (M7).
    Rejected stale = stale(draft, command.brokerId(), command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    int broker = command.brokerId();
    if (draft.state(broker) == State.FENCED) {
      return new Done();
    }
    moveTo(draft, broker, State.FENCED, command.timeMs());
    draft.dropLogEnds(broker);
    draft.changeAll(
        partition -> partition.isr().contains(broker), (topic, change) -> change.leaveIsr(broker));
    return new Done();
  }

  static CommandOutcome stop(ImageDraft draft, MetadataCommand.StopBroker command) {
    Rejected stale = stale(draft, command.brokerId(), command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    int broker = command.brokerId();
    if (draft.state(broker).inService()) {
      moveTo(draft, broker, State.STOPPING, command.timeMs());
      draft.changeAll(partition -> partition.leader() == broker, (topic, change) -> {});
    }
    return new Done();
  }

  private static State serving(BrokerImage.Wish wish) {
    return wish.drains() ? State.DRAINING : State.ACTIVE;
  }

  /**
   * An operator's next wish. Fenced, a broker in service hands over first what another in-sync
   * replica can lead, as at a controlled stop (R7); the metadata leader fences it when its lease is
   * surely over (R5). Of the state alone apply cannot tell such a hand-over from a controlled stop:
   * who is unfenced in the middle of one announces it again. Drained, it hands over in the same
   * way, and stays (R47).
   */
  static CommandOutcome wish(ImageDraft draft, MetadataCommand.WishBroker command) {
    BrokerImage old = draft.before().brokers().get(command.brokerId());
    if (old == null) {
      return new Rejected(notRegistered(command.brokerId()));
    }
    if (old.wishes() == command.number() && old.wish() == command.wish()) {
      return new Done();
    }
    if (old.wishes() + 1 != command.number()) {
      return TopicCommands.changedMeanwhile("what is wanted of broker " + old.id());
    }
    BrokerImage.Wish wish = command.wish();
    if (wish.fences() && !old.wish().fences()) {
      ApiError loss = command.force() ? null : lastHope(draft.before(), old.id());
      if (loss != null) {
        return new Rejected(loss);
      }
    }
    State state = old.state();
    if (wish.fences()) {
      state = state.inService() ? State.STOPPING : state;
    } else if (state.inService() || state == State.STOPPING && old.wish().fences()) {
      state = serving(wish);
    }
    BrokerImage after = old.wished(wish);
    draft.put(state == old.state() ? after : after.in(state, command.timeMs()));
    draft.changeAll(
        partition ->
            partition.leader() == old.id()
                || partition.leader() == PartitionImage.NO_LEADER && involves(partition, old.id()),
        (topic, change) -> {});
    return new Done();
  }

  /** Forgets a broker of which nothing is left, and nothing is waited for (R47). */
  static CommandOutcome remove(ImageDraft draft, MetadataCommand.RemoveBroker command) {
    Rejected stale = stale(draft, command.brokerId(), command.brokerEpoch());
    if (stale != null) {
      return stale;
    }
    BrokerImage broker = Objects.requireNonNull(draft.before().brokers().get(command.brokerId()));
    ApiError keep = keepReason(draft.before(), broker);
    if (keep != null) {
      return new Rejected(keep);
    }
    draft.remove(broker);
    return new Done();
  }

  /** Why a broker cannot be forgotten: IS_VOTER, BROKER_ALIVE, WOULD_LOSE_DATA; or null. */
  private static @Nullable ApiError keepReason(ClusterImage image, BrokerImage broker) {
    int id = broker.id();
    if (image.voters().containsKey(id)) {
      return ApiError.definite(
              ErrorReason.IS_VOTER,
              "broker " + id + " votes in the metadata quorum: it cannot be removed while it does")
          .with("brokerId", id);
    }
    if (broker.unfenced()) {
      return ApiError.definite(
              ErrorReason.BROKER_ALIVE,
              "broker " + id + " is " + broker.state() + ": stop it before it is removed")
          .with("brokerId", id);
    }
    int replicas = 0;
    String first = "";
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        if (partition.replicas().contains(id) || partition.original().contains(id)) {
          first = replicas++ == 0 ? topic.name() + "-" + i : first;
        }
      }
    }
    return replicas == 0
        ? null
        : ApiError.definite(
                ErrorReason.WOULD_LOSE_DATA,
                "broker "
                    + id
                    + " has replicas of "
                    + replicas
                    + " partitions, such as "
                    + first
                    + ": move them first, with DrainBroker and move_replicas")
            .with("brokerId", id)
            .with("partitions", replicas);
  }

  /** Why the broker should stay: partitions that nobody else could lead; null if there is none. */
  private static @Nullable ApiError lastHope(ClusterImage image, int broker) {
    int count = 0;
    String first = "";
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        if (involves(partition, broker) && !othersMayLead(image, partition, broker)) {
          first = count++ == 0 ? topic.name() + "-" + i : first;
        }
      }
    }
    return count == 0
        ? null
        : ApiError.definite(
                ErrorReason.WOULD_LOSE_DATA,
                "broker "
                    + broker
                    + " is the only one that may lead "
                    + (count == 1 ? "partition " + first : count + " partitions, such as " + first)
                    + ": fenced, "
                    + (count == 1 ? "it has" : "they have")
                    + " no leader; wait until another replica is in sync, or force it")
            .with("brokerId", broker)
            .with("partitions", count);
  }

  private static boolean othersMayLead(ClusterImage image, PartitionImage partition, int broker) {
    List<Integer> candidates = new ArrayList<>(partition.isr());
    candidates.remove(Integer.valueOf(broker));
    if (candidates.isEmpty()) {
      candidates.addAll(partition.elr());
    }
    for (int candidate : candidates) {
      BrokerImage other = image.brokers().get(candidate);
      if (candidate != broker && other != null && other.state().inService()) {
        return true;
      }
    }
    return false;
  }

  private static ApiError notRegistered(int brokerId) {
    return ApiError.definite(
            ErrorReason.BROKER_NOT_FOUND, "broker " + brokerId + " is not registered")
        .with("brokerId", brokerId);
  }

  /** The refusal if this is not the broker's present registration (M2), else null. */
  static @Nullable Rejected stale(ImageDraft draft, int brokerId, long epoch) {
    BrokerImage broker = draft.before().brokers().get(brokerId);
    if (broker != null && broker.epoch() == epoch) {
      return null;
    }
    if (broker == null) {
      return new Rejected(notRegistered(brokerId));
    }
    return new Rejected(
        ApiError.definite(
                ErrorReason.BROKER_NOT_FOUND,
                "broker " + brokerId + " has epoch " + broker.epoch() + ", not " + epoch)
            .with("brokerId", brokerId));
  }

  private static void moveTo(ImageDraft draft, int brokerId, State state, long timeMs) {
    BrokerImage old = Objects.requireNonNull(draft.before().brokers().get(brokerId));
    draft.put(old.in(state, timeMs));
  }

  private static boolean involves(PartitionImage partition, int broker) {
    return partition.isr().contains(broker)
        || partition.elr().contains(broker)
        || partition.lastKnownElr().contains(broker);
  }
}
