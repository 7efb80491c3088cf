package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.group.Consuming;
import io.kontiki.broker.group.OutsideCommit;
import io.kontiki.runtime.Clock;
import io.kontiki.v1.CommitRequest;
import io.kontiki.v1.CommitResponse;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** The calls of groups: Consume and Commit. Thread-safe. */
public final class GroupCalls {
  private static final long LOOK_MS = 10;

  private final Consuming consuming;
  private final OutsideCommit outside;
  private final Set<ConsumeCall> open = ConcurrentHashMap.newKeySet();
  private final Object ended = new Object();
  private volatile boolean closing;

  public GroupCalls(Consuming consuming) {
    this.consuming = consuming;
    this.outside =
        new OutsideCommit(consuming.metadata(), consuming.partitions(), consuming.groups());
  }

  /** Streams that are open. */
  public int streams() {
    return open.size();
  }

  StreamObserver<ConsumeRequest> consume(
      CallLoops loops, ServerCallStreamObserver<ConsumeResponse> answers, StreamSlot slot) {
    if (closing) {
      slot.giveBack();
      Unary.fail(Unary.calm(answers), ServiceState.stopping());
      return new IgnoringObserver<>();
    }
    ConsumeCall[] made = new ConsumeCall[1];
    ConsumeCall call =
        new ConsumeCall(
            loops.current(),
            answers,
            ClientInfo.KEY.get(),
            () -> {
              slot.giveBack();
              forget(made[0]);
            });
    made[0] = call;
    open.add(call);
    call.open(consuming);
    return call;
  }

  private void forget(ConsumeCall call) {
    open.remove(call);
    synchronized (ended) {
      ended.notifyAll();
    }
  }

  void commit(CallLoops loops, CommitRequest message, ServerCallStreamObserver<CommitResponse> to) {
    CallContext call = loops.unary();
    CallContext.onLoop(
        call.loop(),
        () ->
            outside.commit(
                call,
                ConsumeMessages.commit(message),
                stored -> Unary.answer(to, stored, done -> CommitResponse.getDefaultInstance())));
  }

  /** The broker stops by plan: every stream is told, and ends by then. */
  public void closing(long timeLeftMs) {
    closing = true;
    open.forEach(call -> call.closing(timeLeftMs));
  }

  /** Waits until no stream is open, or the time is up. Blocks. */
  public void awaitClosed(Clock clock, long timeoutMs) throws InterruptedException {
    long end = clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
    synchronized (ended) {
      while (!open.isEmpty() && clock.nanoTime() - end < 0) {
        ended.wait(LOOK_MS);
      }
    }
  }
}
