package io.kontiki.broker.forward;

import io.grpc.CallOptions;
import io.grpc.stub.AbstractStub;
import java.util.concurrent.TimeUnit;

/**
 * Deadlines of calls to other brokers. gRPC counts them by the system's clock; the time that a call
 * was given stays readable, for channels that live on another one.
 */
public final class CallTimeouts {
  /** Nanoseconds from the call on. */
  public static final CallOptions.Key<Long> NANOS = CallOptions.Key.create("kontiki-timeout-nanos");

  private CallTimeouts() {}

  /** Options of a call that ends after a time; at least 1 ns. */
  public static CallOptions with(CallOptions options, long nanos) {
    long positive = Math.max(1, nanos);
    return options.withDeadlineAfter(positive, TimeUnit.NANOSECONDS).withOption(NANOS, positive);
  }

  /** A stub whose calls end after a time; at least 1 ns. */
  public static <S extends AbstractStub<S>> S with(S stub, long nanos) {
    long positive = Math.max(1, nanos);
    return stub.withDeadlineAfter(positive, TimeUnit.NANOSECONDS).withOption(NANOS, positive);
  }
}
