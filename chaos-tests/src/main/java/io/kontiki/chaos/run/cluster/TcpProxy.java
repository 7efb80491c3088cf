package io.kontiki.chaos.run.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * Passes TCP connections on between places of one machine, and can stop and slow down each
 * direction. What is stopped waits, as if it were sent again and again until it arrives; so does
 * the end of a connection.
 *
 * <p>A door refuses connections while nobody listens behind it, as the machine behind would: who is
 * dead is known to be. While it is cut it takes them, and they lead nowhere.
 *
 * <p>One thread of its own does everything; methods may be called by any.
 */
final class TcpProxy implements AutoCloseable {
  private static final long LOOK_AGAIN_MS = 20;
  private static final int BACKLOG = 128;

  private final Selector selector;
  private final Thread thread;
  private final ConcurrentLinkedQueue<FutureTask<?>> tasks = new ConcurrentLinkedQueue<>();
  private final List<Door> doors = new ArrayList<>();
  private final Set<ProxiedConnection> connections = new LinkedHashSet<>();
  private final Set<Door> doubtful = new LinkedHashSet<>();
  private boolean doorClosed;
  private volatile boolean closed;
  private volatile @Nullable Exception failure;

  TcpProxy() {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    thread = new Thread(this::run, "tcp-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  /** A way from one place to another, and back. Of the loop. */
  static final class Door {
    private final InetSocketAddress front;
    private final InetSocketAddress behind;
    private final Wire there;
    private final Wire back;
    private boolean cutThere;
    private boolean cutBack;
    private @Nullable ServerSocketChannel listener;

    private Door(InetSocketAddress front, InetSocketAddress behind, Wire there, Wire back) {
      this.front = front;
      this.behind = behind;
      this.there = there;
      this.back = back;
    }

    /** In one direction, or in both. */
    boolean isCut() {
      return cutThere || cutBack;
    }

    boolean isCut(boolean towardsServer) {
      return towardsServer ? cutThere : cutBack;
    }

    Wire wire(boolean towardsServer) {
      return towardsServer ? there : back;
    }

    InetSocketAddress behind() {
      return behind;
    }
  }

  /**
   * Makes a door.
   *
   * @param front where connections are taken, once there is somebody to pass them on to
   * @param there what happens to bytes to those who listen
   * @param back and to those from them
   */
  Door add(InetSocketAddress front, InetSocketAddress behind, Wire there, Wire back) {
    Door door = new Door(front, behind, there, back);
    call(
        () -> {
          doors.add(door);
          refresh(door);
        });
    return door;
  }

  /** Stops a direction, or lets it go on; both may be stopped. */
  void setCut(Door door, boolean towardsServer, boolean cut) {
    call(
        () -> {
          if (towardsServer) {
            door.cutThere = cut;
          } else {
            door.cutBack = cut;
          }
          refresh(door);
        });
  }

  /** Changes what happens to what is sent from now on; what is on its way arrives at once. */
  void become(Wire wire, Wire.Kind kind) {
    call(
        () -> {
          wire.become(kind);
          long now = System.nanoTime();
          connections.forEach(connection -> connection.hurry(now));
        });
  }

  /** Runs something on the loop, and waits until it is done. */
  private void call(Runnable what) {
    FutureTask<?> task = new FutureTask<>(what, null);
    tasks.add(task);
    if (closed) {
      task.cancel(false);
    } else {
      selector.wakeup();
    }
    try {
      task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("the proxy: " + e.getCause(), e);
    } catch (CancellationException e) {
      Exception why = failure;
      if (why != null) {
        throw new IllegalStateException("the proxy: " + why, why);
      } // else it was closed, and nothing matters any more
    }
  }

  // ------------------------------------------------------------------------------------- the loop

  private void run() {
    long lookedAt = System.nanoTime();
    try {
      while (!closed) {
        selector.select(pauseMs());
        FutureTask<?> task;
        while ((task = tasks.poll()) != null) {
          task.run();
        }
        selector.selectedKeys().forEach(this::onReady);
        selector.selectedKeys().clear();
        long now = System.nanoTime();
        if (now - lookedAt > LOOK_AGAIN_MS * 1_000_000) {
          doors.stream().filter(door -> door.listener == null).forEach(this::refresh);
          lookedAt = now;
        }
        doubtful.forEach(this::refresh);
        doubtful.clear();
        if (doorClosed) {
          doorClosed = false;
          selector.selectNow(); // which lets go of it: from now on it refuses
        }
        // A list: what ends is taken out.
        List.copyOf(connections).forEach(connection -> connection.passOn(now));
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
    } finally {
      closed = true;
      end();
      tasks.forEach(task -> task.cancel(false));
    }
  }

  private long pauseMs() {
    long now = System.nanoTime();
    long pause = LOOK_AGAIN_MS;
    for (ProxiedConnection connection : connections) {
      pause = Math.min(pause, connection.waitNanos(now) / 1_000_000);
    }
    return Math.max(1, pause);
  }

  private void onReady(SelectionKey key) {
    if (!key.isValid()) {
      return;
    }
    if (key.attachment() instanceof Door door) {
      accept(door);
    } else if (key.attachment() instanceof ProxiedConnection connection) {
      connection.onReady(key);
    }
  }

  private void accept(Door door) {
    ServerSocketChannel listener = door.listener;
    try {
      SocketChannel client = listener == null ? null : listener.accept();
      if (client != null) {
        connections.add(new ProxiedConnection(this, door, client, selector));
      }
    } catch (IOException e) {
      // It has gone already.
    }
  }

  /** Looks whether there is still somebody behind a door before anything more is passed on. */
  void check(Door door) {
    doubtful.add(door);
  }

  /** A connection has come to its end. */
  void remove(ProxiedConnection connection) {
    connections.remove(connection);
  }

  /** Opens or closes a door by whether there is somebody behind it. */
  private void refresh(Door door) {
    boolean wanted = door.isCut() || isThere(door.behind);
    try {
      if (wanted && door.listener == null) {
        ServerSocketChannel listener = ServerSocketChannel.open();
        listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
        listener.configureBlocking(false);
        listener.bind(door.front, BACKLOG);
        listener.register(selector, SelectionKey.OP_ACCEPT, door);
        door.listener = listener;
      } else if (!wanted && door.listener != null) {
        door.listener.close();
        door.listener = null;
        doorClosed = true;
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the proxy's door " + door.front, e);
    }
  }

  /** On one machine a refusal comes at once. */
  private static boolean isThere(InetSocketAddress address) {
    try (SocketChannel probe = SocketChannel.open()) {
      probe.configureBlocking(false);
      if (!probe.connect(address)) {
        probe.finishConnect(); // false: the queue of those who listen is full, or they stand still
      }
      return true;
    } catch (ConnectException e) {
      return false;
    } catch (IOException e) {
      return true; // nothing is known of it
    }
  }

  private void end() {
    List.copyOf(connections).forEach(ProxiedConnection::close);
    for (Door door : doors) {
      if (door.listener != null) {
        closeQuietly(door.listener);
      }
    }
    closeQuietly(selector);
  }

  static void closeQuietly(AutoCloseable what) {
    try {
      what.close();
    } catch (Exception e) {
      // It is of no use any more.
    }
  }

  @Override
  public void close() {
    closed = true;
    selector.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
