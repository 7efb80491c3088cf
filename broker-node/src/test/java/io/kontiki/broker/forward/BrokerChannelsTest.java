package io.kontiki.broker.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.kontiki.internal.v1.ForwardListOffsetRequest;
import io.kontiki.internal.v1.ForwardServiceGrpc;
import io.kontiki.model.Endpoint;
import org.junit.jupiter.api.Test;

final class BrokerChannelsTest {
  private static final Endpoint ANYWHERE = new Endpoint("127.0.0.1", 9);

  /** Rules R7, R45: a request that looks for a leader while its node stops was surely not sent. */
  @Test
  void afterTheEndCallsFailUnsent() {
    BrokerChannels channels =
        new BrokerChannels(
            endpoint ->
                NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
                    .usePlaintext()
                    .build());
    channels.close();
    ManagedChannel channel = channels.to(ANYWHERE);
    SentTracer sent = new SentTracer();
    StatusRuntimeException failure =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                ClientCalls.blockingUnaryCall(
                    channel,
                    ForwardServiceGrpc.getListOffsetMethod(),
                    CallOptions.DEFAULT.withStreamTracerFactory(sent),
                    ForwardListOffsetRequest.getDefaultInstance()));
    assertEquals(Status.Code.UNAVAILABLE, failure.getStatus().getCode());
    assertFalse(sent.created());
  }
}
