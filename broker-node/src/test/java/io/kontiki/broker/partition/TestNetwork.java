package io.kontiki.broker.partition;

import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * Streams in memory: messages of one stream and direction stay in order, streams overtake each
 * other, and what was sent before a stream broke may still arrive when a newer one is open.
 */
final class TestNetwork {
  /** Of each stream ever opened. */
  final List<Lane> opened = new ArrayList<>();

  /** Every message handed in, in order. */
  final List<ReplicationMessage> sent = new ArrayList<>();

  /** Told of every message handed in, with sender and receiver. */
  Tap tap = (from, to, message) -> {};

  private final SortedSet<Integer> cut = new TreeSet<>();
  private final Set<Link> cutLinks = new LinkedHashSet<>();
  private final LongSupplier delayNanos;
  private final TreeMap<Integer, Node> nodes = new TreeMap<>();
  private final List<Stream> open = new ArrayList<>();

  TestNetwork(LongSupplier delayNanos) {
    this.delayNanos = delayNanos;
  }

  /** Sees messages on their way. */
  interface Tap {
    void sent(int from, int to, ReplicationMessage message);
  }

  /** One direction between two brokers. */
  private record Link(int from, int to) {}

  /**
   * Nothing gets from one broker to the other; the way back stays. When the cut ends, the streams
   * between the two break, if they lost anything.
   */
  void cutLink(int from, int to) {
    cutLinks.add(new Link(from, to));
  }

  /** All links between brokers work again. */
  void mendLinks() {
    cutLinks.clear();
    for (Stream stream : List.copyOf(open)) {
      if (!stream.lossy.isEmpty()) {
        stream.reset();
      }
    }
  }

  /** A running process. */
  record Node(EventLoop loop, LoopPartitions partitions) {}

  void up(int broker, Node node) {
    nodes.put(broker, node);
  }

  /** Its process died: the others notice some time later. */
  void down(int broker) {
    nodes.remove(broker);
    for (Stream stream : List.copyOf(open)) {
      if (stream.client == broker || stream.server == broker) {
        stream.reset();
      }
    }
  }

  /** Nothing reaches the broker and nothing comes from it; its streams do not break. */
  void cut(int broker, boolean off) {
    if (off) {
      cut.add(broker);
    } else {
      cut.remove(broker);
      for (Stream stream : List.copyOf(open)) {
        if (stream.client == broker || stream.server == broker) {
          stream.reset();
        }
      }
    }
  }

  long sentDataBytes() {
    long bytes = 0;
    for (ReplicationMessage message : sent) {
      if (message instanceof ReplicationMessage.Data data) {
        bytes += data.parts().stream().mapToLong(ReplicationMessage.PartitionData::bytes).sum();
      }
    }
    return bytes;
  }

  List<Stream> open() {
    return open;
  }

  ReplicaTransport transport(int client, EventLoop loop) {
    return (server, endpoint, lane, listener) -> {
      Stream stream = new Stream(client, server, lane, loop, listener);
      open.add(stream);
      opened.add(lane);
      return stream.clientEnd;
    };
  }

  /** One stream. */
  final class Stream {
    final int client;
    final int server;
    final Lane lane;
    private final EventLoop clientLoop;
    private final ReplicaStream.Listener clientListener;
    private final End clientEnd = new End(true);
    private final End serverEnd = new End(false);
    private ReplicaStream.Listener serverListener;
    private Node serverNode;
    private final Set<Link> lossy = new LinkedHashSet<>();

    Stream(int client, int server, Lane lane, EventLoop loop, ReplicaStream.Listener listener) {
      this.client = client;
      this.lane = lane;
      this.server = server;
      this.clientLoop = loop;
      this.clientListener = listener;
    }

    /** The network breaks it: each side hears of it in its own time. */
    void reset() {
      open.remove(this);
      clientEnd.hearClosed();
      serverEnd.hearClosed();
    }

    private final class End implements ReplicaStream {
      private final boolean fromClient;
      private boolean deaf;
      private boolean mute;
      private long lastArrival;

      End(boolean fromClient) {
        this.fromClient = fromClient;
      }

      private End other() {
        return fromClient ? serverEnd : clientEnd;
      }

      @Override
      public void send(ReplicationMessage message) {
        if (!mute) {
          sent.add(message);
          tap.sent(fromClient ? client : server, fromClient ? server : client, message);
          later(() -> other().receive(message));
        }
      }

      @Override
      public void close(String why) {
        deaf = true;
        if (!mute) {
          mute = true;
          open.remove(Stream.this);
          later(() -> other().ended(why));
        }
      }

      void hearClosed() {
        mute = true;
        later(() -> ended("connection reset"), true);
      }

      private void later(Runnable arrival) {
        later(arrival, false);
      }

      /** In order with what this end sent before. */
      private void later(Runnable arrival, boolean atThisEnd) {
        Node node = nodes.get(server);
        EventLoop loop = fromClient == atThisEnd ? clientLoop : node == null ? null : node.loop;
        if (loop == null) {
          if (!atThisEnd && fromClient) {
            clientLoop.schedule(delayNanos.getAsLong(), () -> clientEnd.ended("refused"));
          }
          return;
        }
        long now = loop.clock().nanoTime();
        lastArrival = Math.max(lastArrival + 1, now + delayNanos.getAsLong());
        loop.schedule(lastArrival - now, arrival);
      }

      private void receive(ReplicationMessage message) {
        if (deaf || cut.contains(client) || cut.contains(server)) {
          return;
        }
        Link way = fromClient ? new Link(server, client) : new Link(client, server);
        // What follows a lost message is lost too: a stream has no gaps.
        if (cutLinks.contains(way) || lossy.contains(way)) {
          lossy.add(way);
          return;
        }
        if (fromClient) {
          clientListener.onMessage(message);
        } else if (message instanceof Hello hello) {
          serverNode = nodes.get(server);
          if (serverNode != null) {
            serverListener = serverNode.partitions.accept(hello, this);
          }
        } else if (serverListener != null && nodes.get(server) == serverNode) {
          serverListener.onMessage(message);
        }
      }

      private void ended(String why) {
        mute = true;
        open.remove(Stream.this);
        if (deaf) {
          return;
        }
        deaf = true;
        if (fromClient) {
          clientListener.onClosed(why);
        } else if (serverListener != null && nodes.get(server) == serverNode) {
          serverListener.onClosed(why);
        }
      }
    }
  }
}
