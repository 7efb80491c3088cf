package io.kontiki.broker.replication;

import com.google.protobuf.ByteString;
import io.kontiki.internal.v1.HeldEnds;
import io.kontiki.internal.v1.LostRanges;
import io.kontiki.internal.v1.ReplicaSubscription;
import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicationHello;
import io.kontiki.internal.v1.ReplicationLane;
import io.kontiki.internal.v1.SubscribeBatch;
import io.kontiki.internal.v1.UnsubscribeBatch;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Acks;
import io.kontiki.replication.ReplicationMessage.HeldEnd;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.replication.ReplicationMessage.Lost;
import io.kontiki.replication.ReplicationMessage.LostRange;
import io.kontiki.replication.ReplicationMessage.Subscribe;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.ReplicationMessage.Unsubscribe;
import io.kontiki.replication.StreamId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A follower's messages on the wire. */
final class RequestCodec {
  private RequestCodec() {}

  /**
   * To the wire.
   *
   * @throws IllegalArgumentException if a follower does not send it
   */
  static ReplicateRequest encode(ReplicationMessage message) {
    ReplicateRequest.Builder request = ReplicateRequest.newBuilder();
    if (message instanceof Acks acks) {
      HeldEnds.Builder held = HeldEnds.newBuilder();
      boolean starts = false;
      for (HeldEnd end : acks.ends()) {
        starts |= end.logStart() >= 0;
      }
      for (HeldEnd end : acks.ends()) {
        held.addIds(end.subscription()).addEnds(end.heldEnd());
        if (starts) {
          held.addStarts(end.logStart() + 1);
        }
      }
      return request.setHeld(held).build();
    }
    if (message instanceof Lost lost) {
      LostRanges.Builder ranges = LostRanges.newBuilder();
      lost.ranges().forEach(one -> ranges.addIds(one.subscription()).addOffsets(one.offset()));
      return request.setLost(ranges).build();
    }
    if (message instanceof Subscribe subscribe) {
      SubscribeBatch.Builder batch = SubscribeBatch.newBuilder();
      for (SubscribeRequest one : subscribe.requests()) {
        batch.addSubscriptions(
            ReplicaSubscription.newBuilder()
                .setId(one.subscription())
                .setTopicId(ByteString.copyFrom(one.partition().topicId().toBytes()))
                .setPartition(one.partition().partition())
                .setLeaderEpoch(one.leaderEpoch())
                .setFetchOffset(one.fetchOffset())
                .setLastEpoch(one.lastEpoch()));
      }
      return request.setSubscribe(batch).build();
    }
    if (message instanceof Unsubscribe unsubscribe) {
      return request
          .setUnsubscribe(
              UnsubscribeBatch.newBuilder()
                  .addAllIds(unsubscribe.subscriptions())
                  .setDiskFull(unsubscribe.diskFull()))
          .build();
    }
    if (message instanceof Hello hello) {
      StreamId stream = hello.stream();
      return request
          .setHello(
              ReplicationHello.newBuilder()
                  .setClusterId(ByteString.copyFrom(hello.clusterId().toBytes()))
                  .setLeaderId(hello.leaderId())
                  .setFollowerId(stream.followerId())
                  .setBrokerEpoch(stream.brokerEpoch())
                  .setLane(
                      stream.lane() == Lane.LIVE
                          ? ReplicationLane.REPLICATION_LANE_LIVE
                          : ReplicationLane.REPLICATION_LANE_CATCH_UP)
                  .setLoop(stream.loop())
                  .setSequence(stream.sequence()))
          .build();
    }
    throw new IllegalArgumentException(
        "a follower does not send " + message.getClass().getSimpleName());
  }

  /**
   * From the wire.
   *
   * @throws IllegalArgumentException if it is not a message of a follower; says why
   */
  static ReplicationMessage decode(ReplicateRequest request) {
    return switch (request.getActionCase()) {
      case HELD -> acks(request.getHeld());
      case SUBSCRIBE -> subscribe(request.getSubscribe());
      case UNSUBSCRIBE ->
          new Unsubscribe(
              request.getUnsubscribe().getIdsList(), request.getUnsubscribe().getDiskFull());
      case HELLO -> hello(request.getHello());
      case LOST -> lost(request.getLost());
      default -> throw new IllegalArgumentException("a replication request without an action");
    };
  }

  private static Acks acks(HeldEnds held) {
    if (held.getIdsCount() != held.getEndsCount()) {
      throw new IllegalArgumentException(
          held.getIdsCount() + " subscriptions with " + held.getEndsCount() + " held ends");
    }
    boolean starts = held.getStartsCount() > 0;
    if (starts && held.getStartsCount() != held.getIdsCount()) {
      throw new IllegalArgumentException(
          held.getIdsCount() + " subscriptions with " + held.getStartsCount() + " log starts");
    }
    List<HeldEnd> ends = new ArrayList<>(held.getIdsCount());
    for (int i = 0; i < held.getIdsCount(); i++) {
      ends.add(new HeldEnd(held.getIds(i), held.getEnds(i), starts ? held.getStarts(i) - 1 : -1));
    }
    return new Acks(ends);
  }

  private static Lost lost(LostRanges lost) {
    if (lost.getIdsCount() != lost.getOffsetsCount()) {
      throw new IllegalArgumentException(
          lost.getIdsCount() + " subscriptions with " + lost.getOffsetsCount() + " lost offsets");
    }
    List<LostRange> ranges = new ArrayList<>(lost.getIdsCount());
    for (int i = 0; i < lost.getIdsCount(); i++) {
      ranges.add(new LostRange(lost.getIds(i), lost.getOffsets(i)));
    }
    return new Lost(ranges);
  }

  private static Subscribe subscribe(SubscribeBatch batch) {
    List<SubscribeRequest> requests = new ArrayList<>(batch.getSubscriptionsCount());
    for (ReplicaSubscription one : batch.getSubscriptionsList()) {
      requests.add(
          new SubscribeRequest(
              one.getId(),
              new PartitionId(
                  TopicId.of(bytes(one.getTopicId(), TopicId.BYTES, "topic id")),
                  one.getPartition()),
              one.getLeaderEpoch(),
              one.getFetchOffset(),
              one.getLastEpoch()));
    }
    return new Subscribe(requests);
  }

  private static Hello hello(ReplicationHello hello) {
    Lane lane =
        switch (hello.getLane()) {
          case REPLICATION_LANE_LIVE -> Lane.LIVE;
          case REPLICATION_LANE_CATCH_UP -> Lane.CATCH_UP;
          default -> throw new IllegalArgumentException("unknown lane " + hello.getLaneValue());
        };
    return new Hello(
        Uid.of(bytes(hello.getClusterId(), Uid.BYTES, "cluster id")),
        hello.getLeaderId(),
        new StreamId(
            hello.getFollowerId(),
            hello.getBrokerEpoch(),
            lane,
            hello.getLoop(),
            hello.getSequence()));
  }

  private static ByteBuffer bytes(ByteString field, int size, String what) {
    if (field.size() != size) {
      throw new IllegalArgumentException("a " + what + " of " + field.size() + " bytes");
    }
    return field.asReadOnlyByteBuffer();
  }
}
