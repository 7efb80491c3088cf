package io.kontiki.broker.rpc;

import io.grpc.BindableService;
import io.grpc.ServerInterceptors;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.kontiki.broker.api.Health;
import io.kontiki.broker.metrics.BrokerMetrics;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.EventLoop;
import io.kontiki.v1.LogServiceGrpc;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ServerChannel;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Puts the services of the public contract, with all limits, into a gRPC server. */
public final class GrpcDoor {
  private static final long HEALTH_NANOS = 250_000_000;

  private final HealthStatusManager healthStatus = new HealthStatusManager();
  private final ServerLimits limits;
  private final CallInterceptor interceptor;

  public GrpcDoor(ServerLimits limits, ServiceState state, BrokerMetrics metrics, Clock clock) {
    this.limits = limits;
    this.interceptor = new CallInterceptor(state, metrics, clock);
    healthStatus.setStatus(LogServiceGrpc.SERVICE_NAME, ServingStatus.NOT_SERVING);
  }

  /**
   * Sets everything but address, event loops and channel type. Callbacks run on the loops that read
   * the sockets.
   */
  public NettyServerBuilder configure(
      NettyServerBuilder server, List<? extends BindableService> services) {
    for (BindableService service : services) {
      server.addService(ServerInterceptors.intercept(service, interceptor));
    }
    return server
        .addService(healthStatus.getHealthService())
        .addService(ProtoReflectionServiceV1.newInstance())
        .addService(oldReflection())
        .directExecutor()
        .maxInboundMessageSize(limits.maxMessageBytes())
        .maxInboundMetadataSize(limits.maxHeaderBytes())
        .maxConcurrentCallsPerConnection(limits.callsPerConnection())
        .flowControlWindow(limits.flowWindowBytes())
        .handshakeTimeout(limits.handshakeTimeoutMs(), TimeUnit.MILLISECONDS)
        .permitKeepAliveTime(ServerLimits.PERMITTED_PING_SECONDS, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true)
        .keepAliveTime(ServerLimits.PING_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(ServerLimits.PING_TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .maxRstFramesPerWindow(ServerLimits.RESETS_PER_WINDOW, ServerLimits.RESET_WINDOW_SECONDS);
  }

  /** Makes listening sockets that keep to the number of connections. */
  public ChannelFactory<ServerChannel> listeners(Supplier<? extends ServerChannel> type) {
    return () -> {
      ServerChannel listening = type.get();
      listening.pipeline().addFirst(new ConnectionLimit(limits.connections()));
      return listening;
    };
  }

  /** grpcurl and others of its age ask for v1alpha. */
  @SuppressWarnings("deprecation")
  private static BindableService oldReflection() {
    return io.grpc.protobuf.services.ProtoReflectionService.newInstance();
  }

  /** Keeps the health of {@code kontiki.v1.LogService} up to date, four times a second. */
  public void follow(Health health, EventLoop loop) {
    loop.execute(() -> look(health, loop));
  }

  private void look(Health health, EventLoop loop) {
    healthStatus.setStatus(
        LogServiceGrpc.SERVICE_NAME,
        health.ready().ok() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
    loop.schedule(HEALTH_NANOS, () -> look(health, loop));
  }

  /** The broker stops: all health is NOT_SERVING from here on. */
  public void stopping() {
    healthStatus.enterTerminalState();
  }
}
