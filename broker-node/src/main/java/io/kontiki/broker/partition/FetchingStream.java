package io.kontiki.broker.partition;

import io.kontiki.replication.FollowerReplica;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Acks;
import io.kontiki.replication.ReplicationMessage.Answers;
import io.kontiki.replication.ReplicationMessage.Data;
import io.kontiki.replication.ReplicationMessage.HeldEnd;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.replication.ReplicationMessage.Lost;
import io.kontiki.replication.ReplicationMessage.LostRange;
import io.kontiki.replication.ReplicationMessage.Mend;
import io.kontiki.replication.ReplicationMessage.Subscribe;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.ReplicationMessage.Unsubscribe;
import io.kontiki.replication.StreamId;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The stream of one loop to one leader: all partitions of the loop that follow it, with one message
 * of acknowledgements per turn. Opened when somebody joins, opened again after it broke, closed
 * when nobody is left.
 */
final class FetchingStream {
  private static final Logger LOG = LoggerFactory.getLogger(FetchingStream.class);
  private static final long FIRST_PAUSE_NANOS = 20_000_000L;
  private static final int MOST_DOUBLINGS = 5;

  private final int leaderId;
  private final Lane lane;
  private final LoopContext context;
  private final Set<FollowerRole> members = new LinkedHashSet<>();
  private final Map<Long, FollowerRole> bySubscription = new TreeMap<>();
  private final Set<FollowerRole> asking = new LinkedHashSet<>();
  private final Set<FollowerRole> acknowledging = new LinkedHashSet<>();
  private final Set<FollowerRole> damaged = new LinkedHashSet<>();
  private final List<Long> ending = new ArrayList<>();
  private final List<Long> givingUp = new ArrayList<>();
  private @Nullable Connection connection;
  private EventLoop.@Nullable Timer reopening;
  private long opened;
  private int failures;

  FetchingStream(int leaderId, Lane lane, LoopContext context) {
    this.leaderId = leaderId;
    this.lane = lane;
    this.context = context;
  }

  void join(FollowerRole role) {
    members.add(role);
    ask(role);
  }

  void leave(FollowerRole role) {
    members.remove(role);
    asking.remove(role);
    acknowledging.remove(role);
    damaged.remove(role);
    if (bySubscription.remove(role.replica().subscription()) != null) {
      ending.add(role.replica().subscription());
    }
    context.turn().fetch(this);
  }

  void ask(FollowerRole role) {
    if (members.contains(role)) {
      asking.add(role);
      context.turn().fetch(this);
    }
  }

  void acknowledge(FollowerRole role) {
    acknowledging.add(role);
    context.turn().fetch(this);
  }

  /** The role's log is damaged: the leader is told, and asked for what was lost (rule D9). */
  void lost(FollowerRole role) {
    damaged.add(role);
    context.turn().fetch(this);
  }

  void unsubscribe(long subscription) {
    if (bySubscription.remove(subscription) != null) {
      ending.add(subscription);
      context.turn().fetch(this);
    }
  }

  /** There is no room for more of it (rule D4). */
  void giveUp(long subscription) {
    if (bySubscription.remove(subscription) != null) {
      givingUp.add(subscription);
      context.turn().fetch(this);
    }
  }

  /** The leader restarted, or moved: the stream to its older incarnation is of no use. */
  void onBrokers() {
    BrokerInfo leader = context.brokers().find(leaderId);
    if (connection != null && !connection.leader.equals(leader) && moved(connection, leader)) {
      drop("the leader was registered again");
    }
    if (connection == null && !members.isEmpty()) {
      // What broke may be mended.
      context.turn().fetch(this);
    }
  }

  private static boolean moved(Connection to, @Nullable BrokerInfo now) {
    return now == null
        || now.epoch() != to.leader.epoch()
        || !now.replication().equals(to.leader.replication());
  }

  void close(String why) {
    members.clear();
    if (reopening != null) {
      reopening.cancel();
      reopening = null;
    }
    drop(why);
  }

  /** Once per turn. */
  void flush() {
    if (members.isEmpty()) {
      close("nothing to follow");
      return;
    }
    if (connection == null && reopening == null) {
      open();
    }
    Connection to = connection;
    if (to == null) {
      return;
    }
    if (!ending.isEmpty()) {
      to.stream().send(new Unsubscribe(ending, false));
      ending.clear();
    }
    if (!givingUp.isEmpty()) {
      to.stream().send(new Unsubscribe(givingUp, true));
      givingUp.clear();
    }
    List<SubscribeRequest> requests = new ArrayList<>();
    for (FollowerRole role : asking) {
      SubscribeRequest request = role.takeRequest();
      if (request != null) {
        bySubscription.put(request.subscription(), role);
        requests.add(request);
      }
    }
    asking.clear();
    if (!requests.isEmpty()) {
      to.stream().send(new Subscribe(requests));
    }
    List<LostRange> ranges = new ArrayList<>();
    for (FollowerRole role : damaged) {
      long offset = role.takeLost();
      if (offset != FollowerReplica.NOTHING) {
        ranges.add(new LostRange(role.replica().subscription(), offset));
      }
    }
    damaged.clear();
    if (!ranges.isEmpty()) {
      to.stream().send(new Lost(ranges));
    }
    List<HeldEnd> ends = new ArrayList<>();
    for (FollowerRole role : acknowledging) {
      HeldEnd end = role.takeAck();
      if (end != null) {
        ends.add(end);
      }
    }
    acknowledging.clear();
    if (!ends.isEmpty()) {
      to.stream().send(new Acks(ends));
    }
  }

  private void open() {
    Brokers brokers = context.brokers();
    BrokerInfo leader = brokers.find(leaderId);
    if (leader == null) {
      return; // until metadata name it
    }
    Connection to = new Connection(leader);
    connection = to;
    ending.clear(); // of streams before this one
    givingUp.clear();
    to.stream = context.transport().open(leaderId, leader.replication(), lane, to);
    StreamId id =
        new StreamId(brokers.localId(), brokers.localEpoch(), lane, context.loopIndex(), ++opened);
    to.stream.send(new Hello(brokers.clusterId(), leaderId, id));
    asking.addAll(members);
  }

  private void drop(String why) {
    Connection old = connection;
    connection = null;
    if (old != null) {
      old.stream().close(why);
      reset();
    }
  }

  private void reset() {
    bySubscription.clear();
    acknowledging.clear();
    damaged.clear();
    ending.clear();
    givingUp.clear();
    asking.addAll(members);
    members.forEach(FollowerRole::onStreamClosed);
  }

  private void onBroken(String why) {
    connection = null;
    reset();
    if (members.isEmpty()) {
      return;
    }
    if (failures == 0) {
      LOG.info("replication stream to broker {} broke: {}", leaderId, why);
    }
    long pause = FIRST_PAUSE_NANOS << Math.min(failures++, MOST_DOUBLINGS);
    reopening =
        context
            .loop()
            .schedule(
                pause,
                () -> {
                  reopening = null;
                  context.turn().fetch(this);
                });
  }

  /** One opened stream; what an older one still says is not heard (rule R27). */
  private final class Connection implements ReplicaStream.Listener {
    private final BrokerInfo leader;
    private @Nullable ReplicaStream stream;

    Connection(BrokerInfo leader) {
      this.leader = leader;
    }

    ReplicaStream stream() {
      ReplicaStream open = stream;
      if (open == null) {
        throw new IllegalStateException("the transport called back inside open");
      }
      return open;
    }

    @Override
    public void onMessage(ReplicationMessage message) {
      if (connection != this) {
        return;
      }
      if (message instanceof Data data) {
        data.parts()
            .forEach(
                part -> {
                  FollowerRole role = bySubscription.get(part.subscription());
                  if (role != null) {
                    role.onData(part);
                  }
                });
      } else if (message instanceof Mend mend) {
        mend.parts()
            .forEach(
                part -> {
                  FollowerRole role = bySubscription.get(part.subscription());
                  if (role != null) {
                    role.onMend(part);
                  }
                });
      } else if (message instanceof Answers answers) {
        answers.answers().forEach(this::onAnswer);
      } else {
        drop("a leader does not send " + message.getClass().getSimpleName());
        onBroken("unexpected message");
      }
    }

    private void onAnswer(SubscribeAnswer answer) {
      FollowerRole role = bySubscription.get(answer.subscription());
      if (role == null) {
        return;
      }
      if (answer instanceof SubscribeAnswer.Accepted) {
        if (failures > 0) {
          LOG.info("replication stream to broker {} is back", leaderId);
        }
        failures = 0;
      } else {
        bySubscription.remove(answer.subscription());
      }
      role.onAnswer(answer);
    }

    @Override
    public void onClosed(String why) {
      if (connection == this) {
        onBroken(why);
      }
    }
  }
}
