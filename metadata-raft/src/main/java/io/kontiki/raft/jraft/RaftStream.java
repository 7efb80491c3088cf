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
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
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

  private final Object timerLock = new Object();
  private @Nullable Future<?> timer;
  private long timerNanos;

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
    Pending call = new Pending(callback, timeoutMs);
    pending.put(id, call);
    try {
      arm(call.deadlineNanos);
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

  /**
   * One timer for all calls: nearly all are answered in time, and a timer of its own for each would
   * wake a thread for each heartbeat.
   */
  private void arm(long deadlineNanos) {
    synchronized (timerLock) {
      Future<?> armed = timer;
      if (armed != null) {
        if (deadlineNanos - timerNanos >= 0) {
          return;
        }
        armed.cancel(false);
      }
      timerNanos = deadlineNanos;
      long delay = Math.max(0, deadlineNanos - System.nanoTime());
      timer = threads.timer().schedule(this::onTimer, delay, TimeUnit.NANOSECONDS);
    }
  }

  private void onTimer() {
    synchronized (timerLock) {
      timer = null; // calls that came before are among those below, later ones arm it again
    }
    long now = System.nanoTime();
    OptionalLong least = OptionalLong.empty(); // as nanoseconds from now
    for (Map.Entry<Long, Pending> entry : pending.entrySet()) {
      long left = entry.getValue().deadlineNanos - now;
      if (left <= 0) {
        timedOut(entry.getKey(), entry.getValue().timeoutMs);
      } else {
        least = OptionalLong.of(Math.min(left, least.orElse(left)));
      }
    }
    if (least.isPresent()) {
      try {
        arm(now + least.getAsLong());
      } catch (RejectedExecutionException e) {
        // the node stops: the channel ends, and with it the calls
      }
    }
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
    private final long timeoutMs;
    private final long deadlineNanos;

    Pending(InvokeCallback callback, long timeoutMs) {
      this.callback = callback;
      this.timeoutMs = timeoutMs;
      this.deadlineNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
    }

    void complete(@Nullable Object result, @Nullable Throwable cause) {
      if (!done.compareAndSet(false, true)) {
        return;
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
