package io.kontiki.chaos.run.cluster;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * One connection through a {@link TcpProxy}: two channels, and what is on its way between them. On
 * the loop of the proxy.
 */
final class ProxiedConnection {
  /** On its way in one direction; whoever sends more is made to wait. */
  private static final int MOST_WAITING = 256 * 1024;

  private static final int READ_BYTES = 64 * 1024;

  private final TcpProxy proxy;
  private final TcpProxy.Door door;
  private final Selector selector;
  private final SocketChannel client;
  private final Pipe there;
  private final Pipe back;
  private final ByteBuffer scratch = ByteBuffer.allocate(READ_BYTES);

  /** Null: not dialled yet, because the way is cut. */
  private @Nullable SocketChannel server;

  /** What was sent together. */
  private static final class Chunk {
    private final ByteBuffer bytes;
    private long arrival;

    Chunk(ByteBuffer bytes, long arrival) {
      this.bytes = bytes;
      this.arrival = arrival;
    }
  }

  /** One direction. */
  private static final class Pipe {
    private final boolean towardsServer;
    private final Deque<Chunk> chunks = new ArrayDeque<>();
    private int waiting;
    private long lastArrival = Long.MIN_VALUE;

    /** The sender sends no more. */
    private boolean ended;

    /** It ended without order. */
    private boolean reset;

    private boolean endIsPassedOn;

    /** Who receives takes no more. */
    private boolean broken;

    private boolean blocked;

    Pipe(boolean towardsServer) {
      this.towardsServer = towardsServer;
    }

    boolean reads() {
      return !ended && waiting < MOST_WAITING;
    }
  }

  ProxiedConnection(TcpProxy proxy, TcpProxy.Door door, SocketChannel client, Selector selector)
      throws IOException {
    this.proxy = proxy;
    this.door = door;
    this.client = client;
    this.selector = selector;
    this.there = new Pipe(true);
    this.back = new Pipe(false);
    client.configureBlocking(false);
    client.setOption(StandardSocketOptions.TCP_NODELAY, true);
    client.register(selector, SelectionKey.OP_READ, this);
  }

  /** Takes what there is to take; passes nothing on. */
  void onReady(SelectionKey key) {
    try {
      if (key.isConnectable() && server != null) {
        server.finishConnect();
      }
    } catch (IOException e) {
      gone();
      return;
    }
    if (key.isValid() && key.isReadable()) {
      if (key.channel() == client) {
        read(client, there);
      } else if (server != null) {
        read(server, back);
      }
    }
  }

  private void read(SocketChannel from, Pipe pipe) {
    scratch.clear();
    int count;
    try {
      count = from.read(scratch);
    } catch (IOException e) {
      pipe.reset = true;
      count = -1;
    }
    if (count < 0) {
      pipe.ended = true;
      if (!pipe.towardsServer) {
        proxy.check(door); // before anybody is told
      }
    } else if (count > 0 && !pipe.broken) {
      long now = System.nanoTime();
      ByteBuffer bytes = ByteBuffer.allocate(count).put(scratch.flip()).flip();
      long arrival = door.wire(pipe.towardsServer).arrival(now, count);
      pipe.lastArrival = Math.max(pipe.lastArrival, arrival);
      pipe.chunks.add(new Chunk(bytes, pipe.lastArrival));
      pipe.waiting += count;
    }
  }

  /** Nobody is there to be passed on to. */
  private void gone() {
    proxy.check(door);
    back.ended = true;
    back.reset = true;
    there.broken = true;
  }

  /** Passes on what has arrived by now. */
  void passOn(long now) {
    if (server == null && !back.ended && !door.isCut()) {
      dial();
    }
    passOn(there, server, now);
    passOn(back, client, now);
    if (there.endIsPassedOn && back.endIsPassedOn) {
      close();
    }
    listen(client, there, back);
    if (server != null) {
      listen(server, back, there);
    }
  }

  private void dial() {
    SocketChannel channel = null;
    try {
      channel = SocketChannel.open();
      channel.configureBlocking(false);
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.connect(door.behind());
      channel.register(selector, 0, this);
      server = channel;
    } catch (IOException e) {
      if (channel != null) {
        TcpProxy.closeQuietly(channel);
      }
      gone();
    }
  }

  private void passOn(Pipe pipe, @Nullable SocketChannel to, long now) {
    if (pipe.endIsPassedOn || door.isCut(pipe.towardsServer)) {
      return;
    }
    if (to == null || !to.isConnected()) {
      if (pipe.broken && pipe.ended) {
        pipe.endIsPassedOn = true;
      }
      return;
    }
    try {
      pipe.blocked = false;
      Chunk chunk;
      while (!pipe.blocked && (chunk = pipe.chunks.peek()) != null && chunk.arrival <= now) {
        pipe.waiting -= to.write(chunk.bytes);
        pipe.blocked = chunk.bytes.hasRemaining();
        if (!pipe.blocked) {
          pipe.chunks.remove();
        }
      }
      if (pipe.ended && pipe.chunks.isEmpty()) {
        pipe.endIsPassedOn = true;
        if (pipe.reset) {
          abort();
        } else {
          to.shutdownOutput();
        }
      }
    } catch (IOException e) {
      // Whoever sent it learns that by the other direction, unless that is cut.
      Pipe other = pipe == there ? back : there;
      other.ended = true;
      other.reset = true;
      pipe.broken = true;
      pipe.ended = true;
      pipe.endIsPassedOn = true;
      pipe.chunks.clear();
      pipe.waiting = 0;
    }
  }

  private void listen(SocketChannel channel, Pipe from, Pipe to) {
    SelectionKey key = channel.keyFor(selector);
    if (key == null || !key.isValid()) {
      return;
    }
    int interest = 0;
    if (channel.isConnectionPending()) {
      interest = SelectionKey.OP_CONNECT;
    } else {
      interest |= from.reads() ? SelectionKey.OP_READ : 0;
      interest |= to.blocked ? SelectionKey.OP_WRITE : 0;
    }
    if (key.interestOps() != interest) {
      key.interestOps(interest);
    }
  }

  /** How long nothing arrives that is on its way; in nanoseconds. */
  long waitNanos(long now) {
    return Math.min(waitNanos(there, now), waitNanos(back, now));
  }

  private long waitNanos(Pipe pipe, long now) {
    Chunk first = pipe.chunks.peek();
    return first == null || pipe.blocked || door.isCut(pipe.towardsServer)
        ? Long.MAX_VALUE
        : first.arrival - now;
  }

  /** What is on its way arrives now. */
  void hurry(long now) {
    for (Pipe pipe : new Pipe[] {there, back}) {
      pipe.chunks.forEach(chunk -> chunk.arrival = now);
      pipe.lastArrival = now;
    }
  }

  /** Both sides see that it did not end in order. */
  private void abort() {
    reset(client);
    if (server != null) {
      reset(server);
    }
    close();
  }

  private static void reset(SocketChannel channel) {
    try {
      channel.setOption(StandardSocketOptions.SO_LINGER, 0);
    } catch (IOException e) {
      // It is closed, which is as well.
    }
  }

  void close() {
    TcpProxy.closeQuietly(client);
    if (server != null) {
      TcpProxy.closeQuietly(server);
    }
    there.endIsPassedOn = true;
    back.endIsPassedOn = true;
    proxy.remove(this);
  }
}
