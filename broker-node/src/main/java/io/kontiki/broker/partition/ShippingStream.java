package io.kontiki.broker.partition;

import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Acks;
import io.kontiki.replication.ReplicationMessage.Answers;
import io.kontiki.replication.ReplicationMessage.Data;
import io.kontiki.replication.ReplicationMessage.HeldEnd;
import io.kontiki.replication.ReplicationMessage.Lost;
import io.kontiki.replication.ReplicationMessage.LostRange;
import io.kontiki.replication.ReplicationMessage.Mend;
import io.kontiki.replication.ReplicationMessage.PartitionData;
import io.kontiki.replication.ReplicationMessage.PartitionMend;
import io.kontiki.replication.ReplicationMessage.Subscribe;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.ReplicationMessage.Unsubscribe;
import io.kontiki.replication.StreamId;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import io.kontiki.runtime.EventLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A stream that a follower opened, as the leader sees it: ships the partitions that the follower
 * subscribed to, in one message per turn, within the bounds of rule R33.
 */
final class ShippingStream implements ReplicaStream.Listener {
  private static final long NEWS_DELAY_NANOS = 10_000_000L;

  private final StreamId id;
  private final ReplicaStream out;
  private final LoopPartitions partitions;
  private final LoopContext context;
  private final Map<Long, Shipment> shipments = new TreeMap<>();

  /** With something to ship, in turn; who is held up by a bound stays in. */
  private Set<Shipment> waiting = new LinkedHashSet<>();

  /** Whose follower has not been told the newest high watermark (rule R39). */
  private final Set<Shipment> news = new LinkedHashSet<>();

  private final List<SubscribeAnswer> answers = new ArrayList<>();
  private EventLoop.@Nullable Timer newsTimer;
  private EventLoop.@Nullable Timer paceTimer;
  private int inFlightBytes;

  /** Being read from the log, or read and not shipped. */
  private int readAheadBytes;

  private boolean over;

  ShippingStream(StreamId id, ReplicaStream out, LoopPartitions partitions, LoopContext context) {
    this.id = id;
    this.out = out;
    this.partitions = partitions;
    this.context = context;
  }

  StreamId id() {
    return id;
  }

  @Override
  public void onMessage(ReplicationMessage message) {
    if (over) {
      return;
    }
    if (message instanceof Acks acks) {
      acks.ends().forEach(this::onAck);
    } else if (message instanceof Subscribe subscribe) {
      subscribe.requests().forEach(this::onSubscribe);
    } else if (message instanceof Lost lost) {
      lost.ranges().forEach(this::onLost);
    } else if (message instanceof Unsubscribe unsubscribe) {
      unsubscribe.subscriptions().forEach(id -> onUnsubscribe(id, unsubscribe.diskFull()));
    } else {
      partitions.end(this, "a follower does not send " + message.getClass().getSimpleName());
    }
  }

  @Override
  public void onClosed(String why) {
    partitions.forget(this);
    end();
  }

  /** Ends it from this side, at once for all its subscriptions (rule R27). */
  void kill(String why) {
    if (!over) {
      end();
      out.close(why);
    }
  }

  private void end() {
    over = true;
    if (newsTimer != null) {
      newsTimer.cancel();
    }
    if (paceTimer != null) {
      paceTimer.cancel();
    }
    List<Shipment> all = List.copyOf(shipments.values());
    shipments.clear();
    countCatchUp(-all.size(), 0);
    waiting.clear();
    news.clear();
    all.forEach(shipment -> shipment.role().onShipmentEnded(shipment));
  }

  private void onSubscribe(SubscribeRequest request) {
    Partition partition = partitions.partition(request.partition());
    if (partition == null) {
      answer(new SubscribeAnswer.Refused(request.subscription(), Refusal.NOT_LEADER));
    } else {
      answer(partition.subscribe(this, request));
    }
  }

  private void onUnsubscribe(long subscription, boolean diskFull) {
    Shipment shipment = shipments.get(subscription);
    if (shipment != null) {
      remove(shipment);
      if (diskFull) {
        shipment.role().onFollowerFull(shipment);
      }
      shipment.role().onShipmentEnded(shipment);
    }
  }

  private void onAck(HeldEnd held) {
    Shipment shipment = shipments.get(held.subscription());
    if (shipment == null) {
      return; // of a subscription that has ended (rule R27)
    }
    inFlightBytes -= shipment.onHeld(held.heldEnd());
    shipment.role().onAck(shipment, held);
    if (!waiting.isEmpty()) {
      context.turn().ship(this);
    }
  }

  private void onLost(LostRange range) {
    Shipment shipment = shipments.get(range.subscription());
    if (shipment != null) {
      shipment.role().onLost(shipment, range.offset());
    }
  }

  /** Batches for a lost range (rule D9); beside what is shipped, and not counted as in flight. */
  void mend(Shipment shipment, List<ByteBuffer> batches) {
    if (!over && !shipment.over()) {
      out.send(new Mend(List.of(new PartitionMend(shipment.subscription(), batches))));
    }
  }

  /** An accepted subscription begins; its answer goes out before its data (rule R44). */
  void add(Shipment shipment) {
    shipments.put(shipment.subscription(), shipment);
    countCatchUp(1, 0);
    hasMore(shipment);
  }

  /** Whether it catches up, within the budget of that (rule R33). */
  boolean catchesUp() {
    return id.lane() == Lane.CATCH_UP;
  }

  /** Bytes of a shipment are going to be read, or (negative) are no longer kept. */
  void readAhead(int bytes) {
    readAheadBytes += bytes;
  }

  private void countCatchUp(int replicas, int bytes) {
    if (catchesUp()) {
      context.meters().onCatchUp(replicas, bytes);
    }
  }

  void answer(SubscribeAnswer answer) {
    if (!over) {
      answers.add(answer);
      context.turn().ship(this);
    }
  }

  /** A subscription is over; what is on its way is dropped by the follower. */
  void remove(Shipment shipment) {
    if (shipments.remove(shipment.subscription(), shipment)) {
      inFlightBytes -= shipment.inFlightBytes();
      countCatchUp(-1, 0);
      waiting.remove(shipment);
      news.remove(shipment);
    }
    shipment.end();
  }

  /** There may be something to ship. */
  void hasMore(Shipment shipment) {
    if (!over) {
      waiting.add(shipment);
      context.turn().ship(this);
    }
  }

  /** The high watermark moved: told with the next data, or alone after 10 ms (rule R39). */
  void hasNews(Shipment shipment) {
    if (!over && news.add(shipment) && newsTimer == null) {
      newsTimer =
          context
              .loop()
              .schedule(
                  NEWS_DELAY_NANOS,
                  () -> {
                    newsTimer = null;
                    if (!over && !news.isEmpty()) {
                      sendData(new ArrayList<>());
                    }
                  });
    }
  }

  /**
   * Once per turn. Everybody who waits gets a part in turn, until all have or a bound is reached.
   */
  void flush() {
    if (over) {
      return;
    }
    sendAnswers();
    List<PartitionData> parts = new ArrayList<>();
    List<Shipment> heldUp = new ArrayList<>();
    int bytes = 0;
    Set<Shipment> round = waiting;
    waiting = new LinkedHashSet<>();
    while (!round.isEmpty()) {
      Set<Shipment> next = new LinkedHashSet<>();
      for (Shipment shipment : round) {
        if (!shipment.over() && !mayShip(shipment)) {
          heldUp.add(shipment); // until an acknowledgement, a read or the budget makes room
          continue;
        }
        PartitionData part = shipment.over() ? null : shipment.next(partLimit());
        if (part != null) {
          next.add(shipment);
          parts.add(part);
          bytes += part.bytes();
          onShipped(shipment, part.bytes());
        }
        if (bytes >= context.limits().message()) {
          sendData(parts);
          parts = new ArrayList<>();
          bytes = 0;
        }
        maybeChangeLane(shipment); // told behind the data of this turn
      }
      round = next;
    }
    heldUp.addAll(waiting);
    waiting = new LinkedHashSet<>(heldUp);
    if (!parts.isEmpty()) {
      sendData(parts);
    }
    sendAnswers();
  }

  private int partLimit() {
    return catchesUp() ? context.limits().catchUpChunk() : context.limits().message();
  }

  private void onShipped(Shipment shipment, int bytes) {
    inFlightBytes += bytes;
    if (catchesUp()) {
      context.catchUp().onShipped(bytes, context.nowNanos());
      countCatchUp(0, bytes);
    }
    shipment.role().onShipped();
  }

  private boolean mayShip(Shipment shipment) {
    if (shipment.inFlightBytes() >= context.limits().partitionInFlight() || mustPause()) {
      return false;
    }
    int limit =
        catchesUp() ? context.limits().catchUpInFlight() : context.limits().streamInFlight();
    // What has been read is shipped; what would be read counts as if it were under way already.
    return inFlightBytes + (shipment.prepared() ? 0 : readAheadBytes) < limit;
  }

  /** Whether the budget of catching up is used for now; goes on when it is not. */
  private boolean mustPause() {
    if (!catchesUp()) {
      return false;
    }
    long wait = context.catchUp().waitNanos(context.nowNanos());
    if (wait > 0 && paceTimer == null) {
      paceTimer =
          context
              .loop()
              .schedule(
                  wait,
                  () -> {
                    paceTimer = null;
                    if (!over) {
                      context.turn().ship(this);
                    }
                  });
    }
    return wait > 0;
  }

  /**
   * Who has caught up goes on live. Who has fallen far behind there, and is not waited for, makes
   * room for those who are.
   */
  private void maybeChangeLane(Shipment shipment) {
    if (shipment.over()) {
      return;
    }
    LeaderRole role = shipment.role();
    if (catchesUp()) {
      if (role.bytesBehind(shipment.nextOffset()) <= context.limits().caughtUp()) {
        role.refuse(shipment, Refusal.CAUGHT_UP);
      }
    } else if (shipment.nextOffset() < role.log().logEndOffset()
        && role.isFarBehind(id.followerId(), shipment.nextOffset())) {
      role.refuse(shipment, Refusal.FAR_BEHIND);
    }
  }

  private void sendAnswers() {
    if (!answers.isEmpty()) {
      List<SubscribeAnswer> sent = List.copyOf(answers);
      answers.clear();
      out.send(new Answers(sent));
    }
  }

  private void sendData(List<PartitionData> parts) {
    Set<Long> told = new HashSet<>();
    for (PartitionData part : parts) {
      told.add(part.subscription());
    }
    for (Shipment shipment : news) {
      if (!told.contains(shipment.subscription())) {
        parts.add(shipment.news());
      }
    }
    news.clear();
    out.send(new Data(parts));
  }
}
