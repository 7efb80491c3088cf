package io.kontiki.broker.replication;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.kontiki.broker.partition.ReplicaStream;
import io.kontiki.broker.partition.ReplicaTransport;
import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.model.Endpoint;
import io.kontiki.proto.WithPayload;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.runtime.EventLoop;
import java.util.List;

/**
 * A follower's streams on gRPC, for one loop. Each stream has its own connection, which lives as
 * long as the stream: a broken one is dialled again without gRPC's own back-off.
 */
public final class GrpcReplicaTransport implements ReplicaTransport {
  /** Messages that may be under way between the socket and the loop. */
  private static final int READ_AHEAD = 4;

  private final LoopMailbox mailbox;
  private final ReplicationChannels channels;

  /** For the loop whose partitions follow. */
  public GrpcReplicaTransport(EventLoop loop, ReplicationChannels channels) {
    this.mailbox = new LoopMailbox(loop);
    this.channels = channels;
  }

  @Override
  public ReplicaStream open(
      int brokerId, Endpoint endpoint, Lane lane, ReplicaStream.Listener listener) {
    Stream stream = new Stream(channels.dial(endpoint, lane), listener);
    stream.start();
    return stream;
  }

  private final class Stream extends ClientCall.Listener<WithPayload<ReplicateResponse>>
      implements ReplicaStream {
    private final ManagedChannel channel;
    private final ClientCall<ReplicateRequest, WithPayload<ReplicateResponse>> call;
    private final Listener listener;

    /** On the loop only. */
    private boolean over;

    Stream(ManagedChannel channel, Listener listener) {
      this.channel = channel;
      this.call = channel.newCall(ReplicationMethods.REPLICATE, CallOptions.DEFAULT);
      this.listener = listener;
    }

    void start() {
      call.start(this, new Metadata());
      call.request(READ_AHEAD);
    }

    @Override
    public void send(ReplicationMessage message) {
      if (!over) {
        call.sendMessage(RequestCodec.encode(message));
      }
    }

    @Override
    public void close(String why) {
      if (!over) {
        over = true;
        call.cancel(why, null);
        channel.shutdownNow();
      }
    }

    @Override
    public void onMessage(WithPayload<ReplicateResponse> message) {
      mailbox.post(() -> deliver(message));
    }

    private void deliver(WithPayload<ReplicateResponse> message) {
      if (over) {
        return;
      }
      List<ReplicationMessage> messages;
      try {
        messages = ResponseCodec.decode(message);
      } catch (IllegalArgumentException e) {
        String why = "unreadable message: " + e.getMessage();
        close(why);
        listener.onClosed(why);
        return;
      }
      for (ReplicationMessage one : messages) {
        if (!over) {
          listener.onMessage(one);
        }
      }
      // Credit goes back when the bytes are appended, not when they are read (rule R33).
      if (!over) {
        call.request(1);
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      mailbox.post(
          () -> {
            channel.shutdownNow();
            if (!over) {
              over = true;
              listener.onClosed(describe(status));
            }
          });
    }

    private String describe(Status status) {
      String text = status.getDescription();
      Throwable cause = status.getCause();
      return status.getCode()
          + (text == null ? "" : ": " + text)
          + (cause == null ? "" : " (" + cause.getMessage() + ")");
    }
  }
}
