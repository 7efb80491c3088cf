package io.kontiki.broker.quorum;

import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Finds out whether a broker's process is dead (rule R6): two dials of its endpoint, 20 ms apart,
 * each at most 100 ms. Only a refusal, or another process in its place, proves anything: a process
 * that is slow to accept or to answer under load is never judged dead by it.
 */
final class ProcessDialler {
  private static final int DIAL_MS = 100;
  private static final long BETWEEN_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final LoopGroup control;
  private final EventLoop loop;
  private final Peers peers;
  private final int nodeId;
  private final HostLookups lookups;

  /** What the dials showed. */
  enum Outcome {
    /** Nobody listens, twice. */
    REFUSED,
    /** Another process answers. */
    OTHER_PROCESS,
    /** The process lives. */
    SAME_PROCESS,
    /** Silence, or something that proves nothing. */
    NOTHING
  }

  ProcessDialler(LoopGroup control, Peers peers, int nodeId) {
    this.control = control;
    this.loop = control.first();
    this.peers = peers;
    this.nodeId = nodeId;
    this.lookups = new HostLookups(loop);
  }

  /** Dials, on the control loop; completes there within about 500 ms. */
  void dial(Endpoint raft, Uid incarnation, Completion<Outcome> completion) {
    once(
        raft,
        first -> {
          if (first != Outcome.REFUSED) {
            settle(first, raft, incarnation, completion);
            return;
          }
          loop.schedule(
              BETWEEN_NANOS,
              () -> once(raft, second -> settle(second, raft, incarnation, completion)));
        });
  }

  private void settle(
      Outcome outcome, Endpoint raft, Uid incarnation, Completion<Outcome> completion) {
    if (outcome != Outcome.SAME_PROCESS) {
      completion.complete(outcome);
      return;
    }
    // Somebody listens: is it the process that was judged?
    peers
        .at(raft, TimeUnit.MILLISECONDS.toNanos(DIAL_MS))
        .hello(
            HelloRequest.newBuilder().setNodeId(nodeId).build(),
            Peers.<HelloResponse>unary(
                (answer, failure) ->
                    loop.execute(() -> completion.complete(compare(answer, incarnation)))));
  }

  private static Outcome compare(
      @org.jspecify.annotations.Nullable HelloResponse answer, Uid incarnation) {
    if (answer == null || answer.getIncarnation().isEmpty()) {
      return Outcome.NOTHING;
    }
    return Peers.uid(answer.getIncarnation()).equals(incarnation)
        ? Outcome.SAME_PROCESS
        : Outcome.OTHER_PROCESS;
  }

  private void once(Endpoint raft, Completion<Outcome> completion) {
    lookups.lookUp(
        raft.host(),
        TimeUnit.MILLISECONDS.toNanos(DIAL_MS),
        address -> {
          if (address.isEmpty()) {
            completion.complete(Outcome.NOTHING); // a name without an address proves nothing
          } else {
            connect(new InetSocketAddress(address.get(), raft.port()), completion);
          }
        });
  }

  private void connect(InetSocketAddress address, Completion<Outcome> completion) {
    ChannelFuture connecting =
        new Bootstrap()
            .group(control.netty())
            .channel(LoopGroup.channelType())
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, DIAL_MS)
            .handler(new ChannelInboundHandlerAdapter())
            .connect(address);
    connecting.addListener(
        future -> {
          Outcome outcome = outcome(future.isSuccess(), future.cause());
          if (future.isSuccess()) {
            connecting.channel().close();
          }
          loop.execute(() -> completion.complete(outcome));
        });
  }

  private static Outcome outcome(
      boolean connected, @org.jspecify.annotations.Nullable Throwable cause) {
    if (connected) {
      return Outcome.SAME_PROCESS;
    }
    boolean refused =
        cause instanceof ConnectException
            && !(cause instanceof ConnectTimeoutException)
            && String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT).contains("refused");
    return refused ? Outcome.REFUSED : Outcome.NOTHING;
  }
}
