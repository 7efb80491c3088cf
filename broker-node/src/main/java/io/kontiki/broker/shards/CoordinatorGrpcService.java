package io.kontiki.broker.shards;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.coordinator.Coordinator;
import io.kontiki.broker.coordinator.LinkEvent;
import io.kontiki.broker.coordinator.LinkOut;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.internal.v1.ChangeShardVoterRequest;
import io.kontiki.internal.v1.ChangeShardVoterResponse;
import io.kontiki.internal.v1.CoordinatorServiceGrpc;
import io.kontiki.internal.v1.LinkResponse;
import org.jspecify.annotations.Nullable;

/** What coordinators answer to other brokers on the Raft port. Calls arrive on the control loop. */
final class CoordinatorGrpcService extends CoordinatorServiceGrpc.CoordinatorServiceImplBase {
  private final GroupShards shards;

  CoordinatorGrpcService(GroupShards shards) {
    this.shards = shards;
  }

  @Override
  public StreamObserver<io.kontiki.internal.v1.LinkRequest> link(
      StreamObserver<LinkResponse> responses) {
    return new Link((ServerCallStreamObserver<LinkResponse>) responses);
  }

  @Override
  public void changeShardVoter(
      ChangeShardVoterRequest request, StreamObserver<ChangeShardVoterResponse> out) {
    shards
        .voters()
        .onRequest(
            request,
            response -> {
              if (!((ServerCallStreamObserver<ChangeShardVoterResponse>) out).isCancelled()) {
                out.onNext(response);
                out.onCompleted();
              }
            });
  }

  /** One broker's link. */
  private final class Link implements StreamObserver<io.kontiki.internal.v1.LinkRequest>, LinkOut {
    private final ServerCallStreamObserver<LinkResponse> out;
    private Coordinator.@Nullable Incoming incoming;
    private boolean over;

    Link(ServerCallStreamObserver<LinkResponse> out) {
      this.out = out;
      out.setOnCancelHandler(this::broken);
      out.setOnReadyHandler(
          () -> {
            if (incoming != null) {
              incoming.onReady();
            }
          });
    }

    @Override
    public void onNext(io.kontiki.internal.v1.LinkRequest message) {
      if (over) {
        return;
      }
      LinkRequest request;
      try {
        request = LinkCodec.request(message);
      } catch (RuntimeException e) {
        broken(); // no broker of this version sends it
        out.onError(
            Status.INVALID_ARGUMENT.withDescription("not a request: " + e).asRuntimeException());
        return;
      }
      if (incoming == null) {
        Coordinator coordinator =
            request instanceof LinkRequest.Open open ? shards.coordinator(open.shard()) : null;
        if (coordinator == null) {
          send(new LinkEvent.Redirect(-1));
          end();
          return;
        }
        incoming = coordinator.accept(this);
      }
      incoming.onRequest(request);
    }

    private void broken() {
      over = true;
      if (incoming != null) {
        incoming.onBroken();
      }
    }

    @Override
    public void onError(Throwable failure) {
      broken();
    }

    @Override
    public void onCompleted() {
      boolean open = !over;
      broken();
      if (open && !out.isCancelled()) {
        out.onCompleted();
      }
    }

    @Override
    public boolean ready() {
      return !over && out.isReady();
    }

    @Override
    public void send(LinkEvent event) {
      if (!over && !out.isCancelled()) {
        out.onNext(LinkCodec.message(event));
      }
    }

    @Override
    public void end() {
      if (!over) {
        over = true;
        if (!out.isCancelled()) {
          out.onCompleted();
        }
      }
    }
  }
}
