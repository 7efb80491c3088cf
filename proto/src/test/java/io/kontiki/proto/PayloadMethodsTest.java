package io.kontiki.proto;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.FetchStart;
import io.kontiki.raw.v1.InitProducerIdRequest;
import io.kontiki.raw.v1.InitProducerIdResponse;
import io.kontiki.raw.v1.PartitionServiceGrpc;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

final class PayloadMethodsTest {
  private static final int LIMIT = 4 << 20;

  @Test
  void appendAndFetchCarryTheirBatchesThroughACall() throws Exception {
    String name = InProcessServerBuilder.generateName();
    Server server =
        InProcessServerBuilder.forName(name)
            .directExecutor()
            .addService(
                PayloadMethods.partitionService(
                    ServerCalls.asyncUnaryCall(
                        (InitProducerIdRequest request,
                            StreamObserver<InitProducerIdResponse> to) -> {
                          to.onNext(InitProducerIdResponse.newBuilder().setProducerId(9).build());
                          to.onCompleted();
                        }),
                    ServerCalls.asyncBidiStreamingCall(
                        (StreamObserver<AppendResponse> to) ->
                            each(
                                (WithPayload<AppendRequest> request) ->
                                    to.onNext(
                                        AppendResponse.newBuilder()
                                            .setCorrelationId(request.message().getCorrelationId())
                                            .setBaseOffset(request.payloadBytes())
                                            .build()),
                                to)),
                    ServerCalls.asyncBidiStreamingCall(
                        (StreamObserver<WithPayload<FetchResponse>> to) ->
                            each(
                                (FetchRequest request) ->
                                    to.onNext(
                                        WithPayload.of(
                                            FetchResponse.newBuilder()
                                                .setFetchId(request.getStart().getFetchId())
                                                .build(),
                                            ByteBuffer.wrap(new byte[] {1, 2, 3}))),
                                to)),
                    LIMIT))
            .build()
            .start();
    ManagedChannel channel = InProcessChannelBuilder.forName(name).directExecutor().build();
    try {
      assertEquals(
          9,
          PartitionServiceGrpc.newBlockingStub(channel)
              .initProducerId(InitProducerIdRequest.getDefaultInstance())
              .getProducerId());

      List<AppendResponse> appended = new ArrayList<>();
      StreamObserver<WithPayload<AppendRequest>> append =
          ClientCalls.asyncBidiStreamingCall(
              channel.newCall(PayloadMethods.append(LIMIT), CallOptions.DEFAULT),
              collect(appended));
      append.onNext(
          new WithPayload<>(
              AppendRequest.newBuilder().setCorrelationId(5).build(),
              List.of(ByteBuffer.allocate(1000), ByteBuffer.allocateDirect(24))));
      append.onCompleted();
      assertEquals(5, appended.get(0).getCorrelationId());
      assertEquals(1024, appended.get(0).getBaseOffset());

      List<WithPayload<FetchResponse>> fetched = new ArrayList<>();
      StreamObserver<FetchRequest> fetch =
          ClientCalls.asyncBidiStreamingCall(
              channel.newCall(PayloadMethods.fetch(LIMIT), CallOptions.DEFAULT), collect(fetched));
      fetch.onNext(
          FetchRequest.newBuilder().setStart(FetchStart.newBuilder().setFetchId(6)).build());
      fetch.onCompleted();
      assertEquals(6, fetched.get(0).message().getFetchId());
      assertEquals(ByteBuffer.wrap(new byte[] {1, 2, 3}), fetched.get(0).joined());
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }
  }

  private static <T> StreamObserver<T> collect(List<T> target) {
    return observer(target::add, () -> {});
  }

  private static <T> StreamObserver<T> each(Consumer<T> action, StreamObserver<?> answers) {
    return observer(action, answers::onCompleted);
  }

  private static <T> StreamObserver<T> observer(Consumer<T> action, Runnable end) {
    return new StreamObserver<>() {
      @Override
      public void onNext(T value) {
        action.accept(value);
      }

      @Override
      public void onError(Throwable failure) {
        throw new AssertionError(failure);
      }

      @Override
      public void onCompleted() {
        end.run();
      }
    };
  }
}
