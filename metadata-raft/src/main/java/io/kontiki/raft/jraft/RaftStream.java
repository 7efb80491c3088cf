package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.error.InvokeTimeoutException;
import com.alipay.sofa.jraft.error.RemotingException;
import com.alipay.sofa.jraft.rpc.InvokeCallback;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One stream of requests to a peer. What may be under way is bounded by JRaft: {@code
 * maxReplicatorInflightMsgs} a group. Thread-safe.
 */
final class RaftStream implements StreamObserver<RaftFrame> {
  private final RaftPeer peer;
  private final RaftThreads threads;
  private final ConcurrentMap<Long, Pending> pending = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final StreamObserver<RaftFrame> out;
  private volatile boolean dead;

  RaftStream(
      RaftPeer peer,
      ManagedChannel channel,
      MethodDescriptor<RaftFrame, RaftFrame> method,
      RaftThreads threads) {
    this.peer = peer;
    this.threads = threads;
    this.out =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(method, CallOptions.DEFAULT), this);
  }

  boolean isDead() {
    return dead;
  }

  void call(Message request, InvokeCallback callback, long timeoutMs) {
    long id = ids.incrementAndGet();
    Pending call = new Pending(callback);
    pending.put(id, call);
    try {
      call.timeout =
          threads.timer().schedule(() -> timedOut(id, timeoutMs), timeoutMs, TimeUnit.MILLISECONDS);
      synchronized (this) {
        out.onNext(RaftFrame.request(id, request));
      }
    } catch (RuntimeException e) { // stream or timer closed
      fail(id, new RemotingException(e));
    }
    if (dead) {
      fail(id, new RemotingException("stream to " + peer + " is closed"));
    }
  }

  @Override
  public void onNext(RaftFrame frame) {
    peer.heard();
    Pending call = pending.remove(frame.id());
    if (call == null) {
      return; // timed out before
    }
    if (frame.kind() == RaftFrame.RESPONSE) {
      call.complete(frame.message(), null);
    } else {
      call.complete(null, new RemotingException(Objects.toString(frame.error(), "")));
    }
  }

  @Override
  public void onError(Throwable cause) {
    failAll(cause);
  }

  @Override
  public void onCompleted() {
    failAll(new RemotingException("stream ended by " + peer));
  }

  private void timedOut(long id, long timeoutMs) {
    if (fail(id, new InvokeTimeoutException("no answer in " + timeoutMs + " ms"))) {
      peer.timedOut();
    }
  }

  private boolean fail(long id, Throwable cause) {
    Pending call = pending.remove(id);
    if (call == null) {
      return false;
    }
    call.complete(null, cause);
    return true;
  }

  private void failAll(Throwable cause) {
    dead = true;
    RemotingException wrapped = new RemotingException(cause);
    pending.keySet().forEach(id -> fail(id, wrapped));
  }

  private static final class Pending {
    private final InvokeCallback callback;
    private final AtomicBoolean done = new AtomicBoolean();
    private volatile @Nullable Future<?> timeout;

    Pending(InvokeCallback callback) {
      this.callback = callback;
    }

    void complete(@Nullable Object result, @Nullable Throwable cause) {
      if (!done.compareAndSet(false, true)) {
        return;
      }
      Future<?> scheduled = timeout;
      if (scheduled != null) {
        scheduled.cancel(false);
      }
      Executor executor = callback.executor() == null ? Runnable::run : callback.executor();
      try {
        executor.execute(() -> callback.complete(result, cause));
      } catch (RejectedExecutionException e) { // the group is closing
        callback.complete(result, cause);
      }
    }
  }
}
