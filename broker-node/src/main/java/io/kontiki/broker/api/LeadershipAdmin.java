package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.LeaderElections;
import io.kontiki.metadata.controller.OperatorWishes;
import io.kontiki.metadata.controller.Reassignments.Named;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import org.jspecify.annotations.Nullable;

/** Who leads, and which brokers may: what operators want of partitions and brokers. Any loop. */
public final class LeadershipAdmin {
  private final Metadata metadata;

  /**
   * A partition has the leader that was asked for.
   *
   * @param index of the change
   */
  public record Elected(int leader, int leaderEpoch, long index) {}

  /**
   * What was wanted of a broker has begun: it hands over, or catches up, or its replicas move.
   *
   * @param index of the change
   */
  public record Wished(ClusterAdmin.BrokerView broker, long index) {}

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
      CallContext call, int brokerId, boolean force, Completion<Result<Wished>> completion) {
    ImageChange.make(
        metadata,
        call,
        image -> OperatorWishes.fence(image, brokerId, force, call.loop().clock().wallMs()),
        wished(brokerId, completion));
  }

  /** Ends that, and a drain. */
  public void unfence(CallContext call, int brokerId, Completion<Result<Wished>> completion) {
    ImageChange.make(
        metadata,
        call,
        image -> OperatorWishes.unfence(image, brokerId, call.loop().clock().wallMs()),
        wished(brokerId, completion));
  }

  /**
   * Moves leaderships away from a broker, and keeps them away until it is unfenced (R47).
   *
   * @param replicas these too
   * @param throttle bytes per second that each broker ships to replicas that come, from now on, 0:
   *     no limit; null: as it is
   */
  public void drain(
      CallContext call,
      int brokerId,
      boolean replicas,
      @Nullable Long throttle,
      Completion<Result<Wished>> completion) {
    ImageChange.makeThrottled(
        metadata,
        call,
        throttle,
        image -> OperatorWishes.drain(image, brokerId, replicas, call.loop().clock().wallMs()),
        wished(brokerId, completion));
  }

  /**
   * Forgets a broker that is fenced, has no replicas and does not vote. The answer is the index of
   * the change.
   */
  public void remove(CallContext call, int brokerId, Completion<Result<Long>> completion) {
    ImageChange.make(
        metadata,
        call,
        image -> OperatorWishes.remove(image, brokerId, call.loop().clock().wallMs()),
        completion);
  }

  private Completion<Result<Long>> wished(int brokerId, Completion<Result<Wished>> completion) {
    return done -> completion.complete(done.fold(index -> view(brokerId, index), Result::error));
  }

  private Result<Wished> view(int brokerId, long index) {
    ClusterImage image = metadata.image();
    BrokerImage broker = image.brokers().get(brokerId);
    return broker == null
        ? Result.error(Refusals.brokerNotFound(brokerId))
        : Result.ok(new Wished(ClusterAdmin.view(image, broker), index));
  }
}
