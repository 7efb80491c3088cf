package io.kontiki.broker.forward;

import io.grpc.Attributes;
import io.grpc.ClientStreamTracer;
import io.grpc.Metadata;

/**
 * Knows whether a call ever reached a connection: one that did not is certainly not carried out
 * (rules M3, R45). One for each call, as its stream tracer factory.
 */
public final class SentTracer extends ClientStreamTracer.Factory {
  private volatile boolean created;

  /** Whether the call may have reached the other side. */
  public boolean created() {
    return created;
  }

  @Override
  public ClientStreamTracer newClientStreamTracer(
      ClientStreamTracer.StreamInfo info, Metadata headers) {
    return new ClientStreamTracer() {
      @Override
      public void streamCreated(Attributes transport, Metadata headers) {
        created = true;
      }
    };
  }
}
