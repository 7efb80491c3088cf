package io.kontiki.broker.rpc;

import com.google.protobuf.Message;
import io.grpc.BindableService;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.ClusterWatch;
import io.kontiki.broker.api.Metadata;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.WatchClusterRequest;
import io.kontiki.v1.WatchClusterResponse;
import java.util.TreeSet;
import java.util.function.Function;

/** {@code kontiki.v1.AdminService}: the table of unary calls, and the watch. */
public final class AdminGrpcService implements BindableService {
  private final CallLoops loops;
  private final AdminCalls calls;
  private final Metadata metadata;
  private final Budget streams;

  /**
   * @param streams long-lived streams
   */
  public AdminGrpcService(CallLoops loops, AdminCalls calls, Metadata metadata, Budget streams) {
    this.loops = loops;
    this.calls = calls;
    this.metadata = metadata;
    this.streams = streams;
  }

  @Override
  public ServerServiceDefinition bindService() {
    ServerServiceDefinition.Builder service =
        ServerServiceDefinition.builder(AdminServiceGrpc.getServiceDescriptor());
    calls.methods().values().forEach(method -> add(service, method));
    service.addMethod(
        AdminServiceGrpc.getWatchClusterMethod(),
        ServerCalls.asyncServerStreamingCall(this::watch));
    return service.build();
  }

  private <Q extends Message, A extends Message> void add(
      ServerServiceDefinition.Builder service, AdminMethod<Q, A> method) {
    service.addMethod(
        method.descriptor(),
        ServerCalls.asyncUnaryCall(
            (request, observer) -> {
              ServerCallStreamObserver<A> answer = Unary.calm(observer);
              CallContext call = loops.unary();
              CallContext.onLoop(
                  call.loop(),
                  () ->
                      method
                          .handler()
                          .handle(
                              call,
                              request,
                              result -> Unary.answer(answer, result, Function.identity())));
            }));
  }

  private void watch(WatchClusterRequest request, StreamObserver<WatchClusterResponse> observer) {
    ServerCallStreamObserver<WatchClusterResponse> answers =
        (ServerCallStreamObserver<WatchClusterResponse>) observer;
    StreamSlot slot = new StreamSlot(streams);
    if (!slot.take()) {
      Unary.fail(Unary.calm(observer), streams.busy());
      return;
    }
    var loop = loops.current();
    ClusterWatch watch =
        new ClusterWatch(
            metadata,
            loop,
            new TreeSet<>(request.getTopicsList()),
            request.getAllTopics(),
            new WatchSink(answers));
    answers.setOnCancelHandler(
        () -> {
          slot.giveBack();
          CallContext.onLoop(loop, watch::cancel);
        });
    answers.setOnReadyHandler(() -> CallContext.onLoop(loop, watch::onReady));
    CallContext.onLoop(loop, watch::start);
  }
}
