package io.kontiki.broker.quorum;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.forward.BrokerChannels;
import io.kontiki.broker.forward.CallTimeouts;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Stubs of other nodes' cluster service, and small conversions that all callers need. */
final class Peers {
  private final BrokerChannels channels;

  Peers(BrokerChannels channels) {
    this.channels = channels;
  }

  /** The stub of the node at a Raft address; a call waits for nothing but its deadline. */
  ClusterServiceGrpc.ClusterServiceStub at(Endpoint raft) {
    return ClusterServiceGrpc.newStub(channels.to(raft));
  }

  /** The same with a deadline. */
  ClusterServiceGrpc.ClusterServiceStub at(Endpoint raft, long timeoutNanos) {
    return CallTimeouts.with(at(raft), timeoutNanos);
  }

  ManagedChannel channel(Endpoint raft) {
    return channels.to(raft);
  }

  /** An observer of a unary call: the answer, or why there is none. */
  static <T> StreamObserver<T> unary(BiConsumer<@Nullable T, @Nullable Status> end) {
    return new StreamObserver<>() {
      private @Nullable T answer;

      @Override
      public void onNext(T value) {
        answer = value;
      }

      @Override
      public void onError(Throwable failure) {
        end.accept(null, Status.fromThrowable(failure));
      }

      @Override
      public void onCompleted() {
        end.accept(answer, answer == null ? Status.INTERNAL.withDescription("no answer") : null);
      }
    };
  }

  static ByteString bytes(Uid id) {
    return id.equals(Uid.NONE) ? ByteString.EMPTY : UnsafeByteOperations.unsafeWrap(id.toBytes());
  }

  static Uid uid(ByteString bytes) {
    return bytes.size() == Uid.BYTES ? Uid.of(bytes.asReadOnlyByteBuffer()) : Uid.NONE;
  }
}
