package io.kontiki.kafka;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.door.FrontDoor;
import io.kontiki.broker.rpc.ConnectionLimit;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.kafka.api.Apis;
import io.kontiki.kafka.wire.Complaints;
import io.kontiki.kafka.wire.ConnectionLimits;
import io.kontiki.kafka.wire.KafkaConnection;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.EventLoop;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ServerChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** Listens for clients of Apache Kafka. */
public final class KafkaDoor implements FrontDoor {
  private static final int BACKLOG = 1024;
  private static final long CLOSE_SECONDS = 2;

  @Override
  public String name() {
    return "kafka";
  }

  @Override
  public OpenDoor open(Endpoint listen, DoorServices services) throws IOException {
    EventLoop first = services.loops().get(0);
    KafkaConnection.Shared shared =
        new KafkaConnection.Shared(
            Apis.table(services),
            ConnectionLimits.of(services.limits()),
            services.bytes(),
            services.metrics(),
            new Complaints(first.clock()));
    ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(services.netty())
            .channelFactory(
                () -> {
                  ServerChannel listener = services.listeners().get();
                  listener
                      .pipeline()
                      .addFirst(new ConnectionLimit(services.limits().connections()));
                  return listener;
                })
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    if (services.state().phase() != ServiceState.Phase.SERVING) {
                      channel.close(); // the client goes on to another broker, or comes again
                      return;
                    }
                    connections.add(channel);
                    channel
                        .pipeline()
                        .addLast(new KafkaConnection(shared, current(services), channel));
                  }
                });
    ChannelFuture bound = bootstrap.bind(new InetSocketAddress(listen.host(), listen.port()));
    bound.awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException("kafka.listen = " + listen + " cannot be bound", bound.cause());
    }
    return new Listening(bound.channel(), connections);
  }

  private static EventLoop current(DoorServices services) {
    for (EventLoop loop : services.loops()) {
      if (loop.inLoop()) {
        return loop;
      }
    }
    throw new IllegalStateException("a connection outside of the data loops");
  }

  private record Listening(Channel listener, ChannelGroup connections) implements OpenDoor {
    @Override
    public int port() {
      return ((InetSocketAddress) listener.localAddress()).getPort();
    }

    @Override
    public void close() {
      listener.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
      connections.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
  }
}
