package io.kontiki.broker.replication;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.kontiki.broker.partition.ReplicaStream;
import io.kontiki.broker.replication.ReplicationGrpcService.Owner;
import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.model.PartitionId;
import io.kontiki.proto.WithPayload;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Acks;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.replication.ReplicationMessage.Subscribe;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.ReplicationMessage.Unsubscribe;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One stream of a follower. The call itself is touched on its home loop only; each loop whose
 * partitions are concerned has an end of its own.
 */
final class LeaderCall extends ServerCall.Listener<ReplicateRequest> {
  /** Messages that may be under way between the socket and the loops. */
  private static final int READ_AHEAD = 16;

  private final ServerCall<ReplicateRequest, WithPayload<ReplicateResponse>> call;
  private final LoopMailbox home;
  private final ToIntFunction<PartitionId> loopOf;
  private final List<End> ends = new ArrayList<>();

  /** Which loop a subscription went to. Like what follows, on the home loop only. */
  private final Map<Long, Integer> loopBySubscription = new HashMap<>();

  private boolean greeted;
  private boolean over;

  LeaderCall(
      ServerCall<ReplicateRequest, WithPayload<ReplicateResponse>> call,
      LoopMailbox home,
      List<Owner> owners,
      ToIntFunction<PartitionId> loopOf) {
    this.call = call;
    this.home = home;
    this.loopOf = loopOf;
    owners.forEach(owner -> ends.add(new End(owner)));
  }

  void start() {
    call.sendHeaders(new Metadata());
    call.request(READ_AHEAD);
  }

  @Override
  public void onMessage(ReplicateRequest request) {
    home.post(() -> receive(request));
  }

  private void receive(ReplicateRequest request) {
    if (over) {
      return;
    }
    try {
      route(RequestCodec.decode(request));
      call.request(1);
    } catch (IllegalArgumentException e) {
      finish(Status.INVALID_ARGUMENT.withDescription(e.getMessage()), null);
    }
  }

  private void route(ReplicationMessage message) {
    if (greeted == message instanceof Hello) {
      throw new IllegalArgumentException("a stream begins with one hello");
    }
    greeted = true;
    if (message instanceof Hello hello) {
      ends.forEach(end -> end.deliver(() -> end.accept(hello)));
    } else if (ends.size() == 1) {
      ends.get(0).deliver(message);
    } else if (message instanceof Acks acks) {
      split(acks.ends(), ack -> loopBySubscription.get(ack.subscription()), Acks::new);
    } else if (message instanceof Subscribe subscribe) {
      for (SubscribeRequest one : subscribe.requests()) {
        loopBySubscription.put(one.subscription(), loopOf.applyAsInt(one.partition()));
      }
      split(
          subscribe.requests(), one -> loopBySubscription.get(one.subscription()), Subscribe::new);
    } else if (message instanceof Unsubscribe unsubscribe) {
      split(
          unsubscribe.subscriptions(),
          loopBySubscription::remove,
          ids -> new Unsubscribe(ids, unsubscribe.diskFull()));
    }
  }

  /** What belongs to no known subscription is of one that has ended (rule R27). */
  private <T> void split(
      List<T> items,
      Function<T, @Nullable Integer> loop,
      Function<List<T>, ReplicationMessage> message) {
    List<List<T>> byLoop = new ArrayList<>();
    ends.forEach(end -> byLoop.add(new ArrayList<>()));
    for (T item : items) {
      Integer index = loop.apply(item);
      if (index != null) {
        byLoop.get(index).add(item);
      }
    }
    for (int i = 0; i < byLoop.size(); i++) {
      if (!byLoop.get(i).isEmpty()) {
        ends.get(i).deliver(message.apply(byLoop.get(i)));
      }
    }
  }

  @Override
  public void onHalfClose() {
    home.post(() -> finish(Status.OK, null));
  }

  @Override
  public void onCancel() {
    home.post(() -> ended("the follower's stream broke", null));
  }

  /** Ends the call from this side. */
  private void finish(Status status, @Nullable End from) {
    if (!over) {
      call.close(status, new Metadata());
      ended("closed: " + status.getDescription(), from);
    }
  }

  private void ended(String why, @Nullable End from) {
    if (!over) {
      over = true;
      loopBySubscription.clear();
      for (End end : ends) {
        if (end != from) {
          end.deliver(() -> end.ended(why));
        }
      }
    }
  }

  /** Sends in the order of the calls of one loop. */
  private void send(WithPayload<ReplicateResponse> response) {
    if (!over) {
      call.sendMessage(response);
    }
  }

  private void atHome(Runnable task) {
    if (home.loop().inLoop()) {
      task.run();
    } else {
      home.post(task);
    }
  }

  /** The stream as one loop sees it. */
  private final class End implements ReplicaStream {
    private final Owner owner;

    /** On the owner's loop only. */
    private ReplicaStream.@Nullable Listener listener;

    private boolean closed;

    End(Owner owner) {
      this.owner = owner;
    }

    void accept(Hello hello) {
      if (!closed) {
        listener = owner.partitions().accept(hello, this);
      }
    }

    void ended(String why) {
      ReplicaStream.Listener told = listener;
      if (!closed) {
        closed = true;
        if (told != null) {
          told.onClosed(why);
        }
      }
    }

    void deliver(ReplicationMessage message) {
      deliver(
          () -> {
            ReplicaStream.Listener told = listener;
            if (!closed && told != null) {
              told.onMessage(message);
            }
          });
    }

    /** On the owner's loop; at once if that is the home loop, where this is called. */
    void deliver(Runnable task) {
      if (owner.mailbox() == home && home.loop().inLoop()) {
        task.run();
      } else {
        owner.mailbox().post(task);
      }
    }

    @Override
    public void send(ReplicationMessage message) {
      if (!closed) {
        WithPayload<ReplicateResponse> response = ResponseCodec.encode(message);
        atHome(() -> LeaderCall.this.send(response));
      }
    }

    @Override
    public void close(String why) {
      if (!closed) {
        closed = true;
        atHome(() -> finish(Status.UNAVAILABLE.withDescription(why), this));
      }
    }
  }
}
