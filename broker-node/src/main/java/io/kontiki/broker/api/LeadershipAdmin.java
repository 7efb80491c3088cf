package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.LeaderElections;
import io.kontiki.metadata.controller.OperatorFences;
import io.kontiki.metadata.controller.Reassignments.Named;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;

/** Who leads, and which brokers may: elections and fences that operators ask for. Any loop. */
public final class LeadershipAdmin {
  private final Metadata metadata;

  /**
   * A partition has the leader that was asked for.
   *
   * @param index of the change
   */
  public record Elected(int leader, int leaderEpoch, long index) {}

  /**
   * A broker is fenced, or not any more, as soon as it has handed over or has caught up.
   *
   * @param index of the change
   */
  public record Fenced(ClusterAdmin.BrokerView broker, long index) {}

  public LeadershipAdmin(Metadata metadata) {
    this.metadata = metadata;
  }

  /** The preferred replica shall lead, if it is in sync. */
  public void electPreferred(
      CallContext call, Named partition, Completion<Result<Elected>> completion) {
    ImageChange.make(
        metadata,
        call,
        image -> LeaderElections.preferred(image, partition, call.loop().clock().wallMs()),
        done -> completion.complete(elected(partition, done)));
  }

  /** Any replica that lives shall lead, where none does: loses records (R19). */
  public void electUnclean(
      CallContext call, Named partition, String reason, Completion<Result<Elected>> completion) {
    ImageChange.make(
        metadata,
        call,
        image -> LeaderElections.unclean(image, partition, reason, call.loop().clock().wallMs()),
        done -> completion.complete(elected(partition, done)));
  }

  private Result<Elected> elected(Named named, Result<Long> done) {
    if (done instanceof Result.Err<Long> failed) {
      return Result.error(failed.error());
    }
    TopicImage topic = metadata.image().topic(named.topic());
    if (topic == null) {
      return Result.error(Refusals.topicNotFound(named.topic()));
    }
    PartitionImage now = topic.partitions().get(named.partition());
    return Result.ok(
        new Elected(now.leader(), now.leaderEpoch(), ((Result.Ok<Long>) done).value()));
  }

  /**
   * Fences a broker until it is unfenced: its leaderships move first.
   *
   * @param force also if a partition loses its last replica that may lead
   */
  public void fence(
      CallContext call, int brokerId, boolean force, Completion<Result<Fenced>> completion) {
    change(call, brokerId, true, force, completion);
  }

  /** Ends that. */
  public void unfence(CallContext call, int brokerId, Completion<Result<Fenced>> completion) {
    change(call, brokerId, false, false, completion);
  }

  private void change(
      CallContext call,
      int brokerId,
      boolean fenced,
      boolean force,
      Completion<Result<Fenced>> completion) {
    ImageChange.make(
        metadata,
        call,
        image ->
            OperatorFences.decide(image, brokerId, fenced, force, call.loop().clock().wallMs()),
        done -> completion.complete(done.fold(index -> view(brokerId, index), Result::error)));
  }

  private Result<Fenced> view(int brokerId, long index) {
    ClusterImage image = metadata.image();
    BrokerImage broker = image.brokers().get(brokerId);
    return broker == null
        ? Result.error(Refusals.brokerNotFound(brokerId))
        : Result.ok(new Fenced(ClusterAdmin.view(image, broker), index));
  }
}
