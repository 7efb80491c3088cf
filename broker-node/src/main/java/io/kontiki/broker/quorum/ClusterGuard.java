package io.kontiki.broker.quorum;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.model.Uid;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps nodes of two clusters apart that reach each other through a mistaken address: what goes
 * between Raft ports carries the sender's cluster, and is refused by a node of another one. Two
 * Raft logs that were not written by one quorum can agree in term and index and differ in what they
 * say. Free of it is what tells who is there: hello, and the watch, which compares clusters itself.
 * Thread-safe.
 */
public final class ClusterGuard implements ClientInterceptor, ServerInterceptor {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterGuard.class);
  private static final Metadata.Key<String> CLUSTER =
      Metadata.Key.of("kontiki-cluster", Metadata.ASCII_STRING_MARSHALLER);
  private static final Set<String> FREE =
      Set.of(
          ClusterServiceGrpc.getHelloMethod().getFullMethodName(),
          ClusterServiceGrpc.getWatchMetadataMethod().getFullMethodName());

  private volatile Uid own = Uid.NONE;

  /** From now on this node is one of the cluster; {@link Uid#NONE}: of none yet. */
  public void know(Uid clusterId) {
    own = clusterId;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        Uid known = own;
        if (!known.equals(Uid.NONE)) {
          headers.put(CLUSTER, known.toString());
        }
        super.start(listener, headers);
      }
    };
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String theirs = headers.get(CLUSTER);
    if (theirs == null || FREE.contains(call.getMethodDescriptor().getFullMethodName())) {
      return next.startCall(call, headers);
    }
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      private boolean refused;

      @Override
      public void onMessage(Q message) {
        // With each message: a stream can be older than this node's own cluster.
        Uid known = own;
        if (!refused && !known.equals(Uid.NONE) && !known.toString().equals(theirs)) {
          refused = true;
          String why = "this node belongs to cluster " + known + ", not to " + theirs;
          LOG.debug("a call of {} was refused: {}", call.getAttributes(), why);
          call.close(Status.FAILED_PRECONDITION.withDescription(why), new Metadata());
          onCancel();
        }
        if (!refused) {
          super.onMessage(message);
        }
      }

      @Override
      public void onHalfClose() {
        if (!refused) {
          super.onHalfClose();
        }
      }
    };
  }
}
