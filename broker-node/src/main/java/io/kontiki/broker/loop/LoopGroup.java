package io.kontiki.broker.loop;

import io.kontiki.broker.partition.PartitionLoops;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FaultHandler;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A fixed set of loops that share sockets and partitions: the data loops, or the control loop. */
public final class LoopGroup implements AutoCloseable {
  private final MultiThreadIoEventLoopGroup netty;
  private final List<NettyLoop> loops = new ArrayList<>();
  private final PartitionLoops partitionLoops;

  /**
   * Starts the threads.
   *
   * @param name of the threads, before their number
   */
  public LoopGroup(String name, int size, Clock clock, FaultHandler faults) {
    IoHandlerFactory io =
        Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    netty = new MultiThreadIoEventLoopGroup(size, new DefaultThreadFactory(name, true), io);
    for (EventExecutor executor : netty) {
      loops.add(new NettyLoop((SingleThreadEventLoop) executor, clock, faults));
    }
    partitionLoops = new PartitionLoops(List.copyOf(loops));
  }

  /** What gRPC servers and channels run on. */
  public EventLoopGroup netty() {
    return netty;
  }

  /** All loops; the same list and order for the life of the process. */
  public List<EventLoop> loops() {
    return List.copyOf(loops);
  }

  /** All loops, as those that partitions live on. */
  public PartitionLoops partitionLoops() {
    return partitionLoops;
  }

  /** A loop by its number. */
  public NettyLoop loop(int index) {
    return loops.get(index);
  }

  /** The first loop; of the control group the only one. */
  public NettyLoop first() {
    return loops.get(0);
  }

  /** The number of the loop that a partition lives on. */
  public int indexOf(PartitionId partition) {
    return partitionLoops().indexOf(partition);
  }

  /** The loop that a partition lives on. */
  public EventLoop loopOf(PartitionId partition) {
    return loops.get(indexOf(partition));
  }

  /** Type of listening sockets that goes with these loops. */
  public static Class<? extends ServerChannel> serverChannelType() {
    return Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
  }

  /** A listening socket of that type, not bound yet. */
  public static ServerChannel newServerChannel() {
    return Epoll.isAvailable() ? new EpollServerSocketChannel() : new NioServerSocketChannel();
  }

  /** Type of connections that goes with these loops. */
  public static Class<? extends SocketChannel> channelType() {
    return Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class;
  }

  @Override
  public void close() {
    netty.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
