package io.kontiki.chaos.simulation;

import io.kontiki.broker.partition.LoopPartitions;
import io.kontiki.broker.partition.ReplicaStream;
import io.kontiki.broker.partition.ReplicaTransport;
import io.kontiki.broker.replication.ReplicationWire;
import io.kontiki.model.Endpoint;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Replication streams of one loop of a process, over the simulated network. */
final class SimStreams implements ReplicaTransport {
  private static final long CONNECT_NANOS = 1_000_000_000L;

  private final SimProcess process;
  private final int loopIndex;
  private final EventLoop loop;

  /** The partitions of a process's loop, as a stream from elsewhere finds them. */
  record Leader(EventLoop loop, LoopPartitions partitions) {}

  SimStreams(SimProcess process, int loopIndex, EventLoop loop) {
    this.process = process;
    this.loopIndex = loopIndex;
    this.loop = loop;
  }

  @Override
  public ReplicaStream open(
      int brokerId, Endpoint endpoint, Lane lane, ReplicaStream.Listener listener) {
    Follower follower = new Follower(brokerId, listener);
    process
        .network()
        .connect(
            process.machine(),
            brokerId,
            CONNECT_NANOS,
            shown -> loop.execute(() -> follower.connected(shown)));
    return follower;
  }

  /** The follower's end. */
  private final class Follower implements ReplicaStream {
    private final int leaderId;
    private final ReplicaStream.Listener listener;
    private final ArrayDeque<ReplicationMessage> waiting = new ArrayDeque<>();
    private Network.@Nullable Connection way;
    private @Nullable LeaderEnd there;
    private boolean over;

    Follower(int leaderId, ReplicaStream.Listener listener) {
      this.leaderId = leaderId;
      this.listener = listener;
    }

    void connected(Network.Shown shown) {
      if (over) {
        return;
      }
      if (shown != Network.Shown.ANSWERED) {
        ended(shown == Network.Shown.REFUSED ? "connection refused" : "no answer");
        return;
      }
      Network.Connection opened = process.network().open(process.machine(), leaderId);
      way = opened;
      LeaderEnd end = new LeaderEnd(this, opened);
      there = end;
      opened.toClient.onEnd(why -> loop.execute(() -> ended(why)));
      opened.toServer.send(() -> end.arrive(process.world().leader(leaderId, loopIndex)));
      waiting.forEach(this::send);
      waiting.clear();
    }

    @Override
    public void send(ReplicationMessage message) {
      if (over) {
        return;
      }
      Network.Connection opened = way;
      LeaderEnd end = there;
      if (opened == null || end == null) {
        waiting.add(message);
      } else {
        process.world().sent(process.machine(), leaderId, message);
        process.world().seen().says(process, loopIndex, message);
        ReplicationMessage arrives =
            process.world().plan().wire() ? ReplicationWire.ofFollower(message) : message;
        opened.toServer.send(() -> end.receive(arrives));
      }
    }

    @Override
    public void close(String why) {
      if (over) {
        return;
      }
      over = true;
      Network.Connection opened = way;
      LeaderEnd end = there;
      if (opened != null && end != null) {
        opened.toServer.send(
            () -> {
              opened.end();
              end.ended(why);
            });
      }
    }

    void receive(ReplicationMessage message) {
      loop.execute(
          () -> {
            if (!over) {
              listener.onMessage(message);
            }
          });
    }

    void ended(String why) {
      if (!over) {
        over = true;
        listener.onClosed(why);
      }
    }

    EventLoop loop() {
      return loop;
    }
  }

  /** The leader's end; listens from the Hello on. */
  private final class LeaderEnd implements ReplicaStream {
    private final Follower follower;
    private final Network.Connection way;
    private @Nullable Leader leader;
    private ReplicaStream.@Nullable Listener listener;
    private boolean over;

    LeaderEnd(Follower follower, Network.Connection way) {
      this.follower = follower;
      this.way = way;
    }

    void arrive(@Nullable Leader found) {
      if (found == null) {
        way.reset("nobody listens");
        return;
      }
      leader = found;
      way.toServer.onEnd(this::ended);
    }

    void receive(ReplicationMessage message) {
      Leader found = leader;
      if (found == null) {
        return;
      }
      found
          .loop()
          .execute(
              () -> {
                if (over) {
                  return;
                }
                if (message instanceof ReplicationMessage.Hello hello) {
                  listener = found.partitions().accept(hello, this);
                } else if (listener != null) {
                  listener.onMessage(message);
                }
              });
    }

    @Override
    public void send(ReplicationMessage message) {
      if (!over) {
        process.world().sent(follower.leaderId, process.machine(), message);
        for (ReplicationMessage shipped :
            process.world().machine(follower.leaderId).ships(message)) {
          (process.world().plan().wire() ? ReplicationWire.ofLeader(shipped) : List.of(shipped))
              .forEach(arrives -> way.toClient.send(() -> follower.receive(arrives)));
        }
      }
    }

    @Override
    public void close(String why) {
      if (over) {
        return;
      }
      over = true;
      way.toClient.send(
          () -> {
            way.end();
            follower.loop().execute(() -> follower.ended(why));
          });
    }

    void ended(String why) {
      Leader found = leader;
      if (found == null) {
        return;
      }
      found
          .loop()
          .execute(
              () -> {
                if (!over) {
                  over = true;
                  if (listener != null) {
                    listener.onClosed(why);
                  }
                }
              });
    }
  }
}
