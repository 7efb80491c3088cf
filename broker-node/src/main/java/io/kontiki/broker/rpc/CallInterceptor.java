package io.kontiki.broker.rpc;

import com.google.rpc.ErrorInfo;
import io.grpc.Context;
import io.grpc.ForwardingServerCall;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.kontiki.broker.metrics.BrokerMetrics;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Statuses;
import io.kontiki.runtime.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Around every call of the public contract: refuses while the broker starts or stops, gives every
 * failed status its ErrorInfo, turns what a callback throws into INTERNAL, and measures.
 */
final class CallInterceptor implements ServerInterceptor {
  private static final Logger LOG = LoggerFactory.getLogger(CallInterceptor.class);
  private static final String OURS = "kontiki.";
  private static final Metadata.Key<com.google.rpc.Status> DETAILS =
      Metadata.Key.of(
          "grpc-status-details-bin",
          ProtoUtils.metadataMarshaller(com.google.rpc.Status.getDefaultInstance()));
  private static final String DETAILS_NAME = "grpc-status-details-bin";
  static final Metadata.Key<byte[]> DETAILS_BYTES =
      Metadata.Key.of(DETAILS_NAME, Metadata.BINARY_BYTE_MARSHALLER);

  private final ServiceState state;
  private final BrokerMetrics metrics;
  private final Clock clock;

  CallInterceptor(ServiceState state, BrokerMetrics metrics, Clock clock) {
    this.state = state;
    this.metrics = metrics;
    this.clock = clock;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    MethodDescriptor<Q, A> method = call.getMethodDescriptor();
    if (!method.getFullMethodName().startsWith(OURS)) {
      return next.startCall(call, headers);
    }
    Measured<Q, A> measured = new Measured<>(call, metrics, clock);
    ApiError refusal = state.refusal();
    if (refusal != null) {
      StatusRuntimeException refused = Statuses.toException(refusal);
      measured.close(refused.getStatus(), trailers(refused));
      return new ServerCall.Listener<>() {};
    }
    try {
      return new Guarded<>(start(measured, headers, next), measured);
    } catch (RuntimeException e) {
      measured.fail(e);
      return new ServerCall.Listener<>() {};
    }
  }

  /** Streams of clients learn who calls. */
  private static <Q, A> ServerCall.Listener<Q> start(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (call.getMethodDescriptor().getType() != MethodDescriptor.MethodType.BIDI_STREAMING) {
      return next.startCall(call, headers);
    }
    Context context = Context.current().withValue(ClientInfo.KEY, ClientInfo.of(call, headers));
    Context before = context.attach();
    try {
      return next.startCall(call, headers);
    } finally {
      context.detach(before);
    }
  }

  private static Metadata trailers(StatusRuntimeException failure) {
    Metadata trailers = failure.getTrailers();
    return trailers == null ? new Metadata() : trailers;
  }

  /** The call as the services see it. */
  private static final class Measured<Q, A>
      extends ForwardingServerCall.SimpleForwardingServerCall<Q, A> {
    private final BrokerMetrics metrics;
    private final Clock clock;
    private final String name;
    private final boolean unary;
    private final long startedNanos;
    private boolean closed;

    Measured(ServerCall<Q, A> call, BrokerMetrics metrics, Clock clock) {
      super(call);
      this.metrics = metrics;
      this.clock = clock;
      MethodDescriptor<Q, A> method = call.getMethodDescriptor();
      String service = String.valueOf(method.getServiceName());
      this.name =
          service.substring(service.lastIndexOf('.') + 1) + "/" + method.getBareMethodName();
      this.unary = method.getType() == MethodDescriptor.MethodType.UNARY;
      this.startedNanos = clock.nanoTime();
      if (!unary) {
        metrics.onStream(name, 1);
      }
    }

    @Override
    public void close(Status status, Metadata trailers) {
      if (!status.isOk() && !trailers.containsKey(DETAILS_BYTES)) {
        // Ended by gRPC's own stubs, as by a second message of a unary call.
        trailers.put(
            DETAILS,
            com.google.rpc.Status.newBuilder()
                .setCode(status.getCode().value())
                .setMessage(String.valueOf(status.getDescription()))
                .addDetails(
                    com.google.protobuf.Any.pack(
                        ErrorInfo.newBuilder()
                            .setReason(reason(status.getCode()).name())
                            .setDomain(Statuses.DOMAIN)
                            .putMetadata("outcome", "indefinite")
                            .build()))
                .build());
      }
      end(status.getCode().name());
      super.close(status, trailers);
    }

    private static ErrorReason reason(Status.Code code) {
      return switch (code) {
        case UNIMPLEMENTED -> ErrorReason.UNIMPLEMENTED;
        case RESOURCE_EXHAUSTED -> ErrorReason.BUSY;
        case INVALID_ARGUMENT -> ErrorReason.INVALID_FIELD;
        case UNKNOWN, CANCELLED, DEADLINE_EXCEEDED -> ErrorReason.OUTCOME_UNKNOWN;
        default -> ErrorReason.INTERNAL;
      };
    }

    void fail(RuntimeException thrown) {
      if (closed) {
        return;
      }
      if (thrown instanceof StatusRuntimeException known) {
        close(known.getStatus(), trailers(known));
        return;
      }
      LOG.error("{} failed", name, thrown);
      StatusRuntimeException internal =
          Statuses.toException(
              ApiError.indefinite(ErrorReason.INTERNAL, name + " failed: " + thrown));
      close(internal.getStatus(), trailers(internal));
    }

    void end(String code) {
      if (closed) {
        return;
      }
      closed = true;
      if (unary) {
        metrics.onRequest("grpc", name, code, clock.nanoTime() - startedNanos);
      } else {
        metrics.onStream(name, -1);
      }
    }
  }

  /** Callbacks of the services: what they throw must not become a bare UNKNOWN. */
  private static final class Guarded<Q>
      extends ForwardingServerCallListener.SimpleForwardingServerCallListener<Q> {
    private final Measured<Q, ?> call;

    Guarded(ServerCall.Listener<Q> listener, Measured<Q, ?> call) {
      super(listener);
      this.call = call;
    }

    @Override
    public void onMessage(Q message) {
      guard(() -> super.onMessage(message));
    }

    @Override
    public void onHalfClose() {
      guard(super::onHalfClose);
    }

    @Override
    public void onReady() {
      guard(super::onReady);
    }

    @Override
    public void onCancel() {
      call.end("CANCELLED");
      guard(super::onCancel);
    }

    private void guard(Runnable callback) {
      try {
        callback.run();
      } catch (RuntimeException e) {
        call.fail(e);
      }
    }
  }
}
