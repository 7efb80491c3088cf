package io.kontiki.client;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.model.ApiError;
import io.kontiki.proto.Statuses;
import io.kontiki.v1.Assigned;
import io.kontiki.v1.Committed;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Records;
import io.kontiki.v1.TopicPartition;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A broker of which a test says what it sends on Consume streams, and sees what it gets. */
final class ScriptedBroker implements AutoCloseable {
  private final BlockingQueue<Stream> opened = new LinkedBlockingQueue<>();
  private final Server server;

  ScriptedBroker() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .addService(new LogService())
            .build()
            .start();
  }

  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  /** The next stream that a client opens. */
  Stream accept() throws InterruptedException {
    Stream stream = opened.poll(20, TimeUnit.SECONDS);
    if (stream == null) {
      throw new AssertionError("nobody came");
    }
    return stream;
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  /** One Consume call, seen from the broker. */
  static final class Stream implements StreamObserver<ConsumeRequest> {
    private static final ConsumeRequest HALF_CLOSE = ConsumeRequest.getDefaultInstance();

    private final BlockingQueue<ConsumeRequest> requests = new LinkedBlockingQueue<>();
    private final StreamObserver<ConsumeResponse> answers;

    private Stream(StreamObserver<ConsumeResponse> answers) {
      this.answers = answers;
    }

    @Override
    public void onNext(ConsumeRequest request) {
      requests.add(request);
    }

    @Override
    public void onError(Throwable broken) {}

    @Override
    public void onCompleted() {
      requests.add(HALF_CLOSE);
    }

    /** The next message of the client. */
    ConsumeRequest next() throws InterruptedException {
      ConsumeRequest request = requests.poll(20, TimeUnit.SECONDS);
      if (request == null) {
        throw new AssertionError("the client says nothing");
      }
      return request;
    }

    /** The next message of one kind; others are passed over. */
    ConsumeRequest next(ConsumeRequest.ActionCase action) throws InterruptedException {
      while (true) {
        ConsumeRequest request = next();
        if (request.getActionCase() == action) {
          return request;
        }
        if (request == HALF_CLOSE) {
          throw new AssertionError("the client has half-closed instead of " + action);
        }
      }
    }

    /** Passes over what the client says before it half-closes. */
    void awaitHalfClose() throws InterruptedException {
      while (next() != HALF_CLOSE) {}
    }

    void send(ConsumeResponse.Builder event) {
      answers.onNext(event.build());
    }

    /** Partitions of topic t, each from the offset of its place. */
    void assign(int generation, String member, long... offsets) {
      Assigned.Builder assigned =
          Assigned.newBuilder().setGeneration(generation).setMemberId(member);
      for (int partition = 0; partition < offsets.length; partition++) {
        assigned.addPartitions(at(partition, offsets[partition]));
      }
      send(ConsumeResponse.newBuilder().setAssigned(assigned));
    }

    /** Records of topic t whose values are their offsets. */
    void records(int partition, long from, long to) {
      Records.Builder records =
          Records.newBuilder().setTopic("t").setPartition(partition).setPosition(at(partition, to));
      for (long offset = from; offset < to; offset++) {
        records.addRecords(
            LogRecord.newBuilder()
                .setOffset(offset)
                .setValue(com.google.protobuf.ByteString.copyFromUtf8("" + offset)));
      }
      send(ConsumeResponse.newBuilder().setRecords(records));
    }

    void committed(PartitionOffset... offsets) {
      send(
          ConsumeResponse.newBuilder()
              .setCommitted(Committed.newBuilder().addAllOffsets(java.util.List.of(offsets))));
    }

    void complete() {
      answers.onCompleted();
    }

    void fail(ApiError error) {
      answers.onError(Statuses.toException(error));
    }
  }

  static PartitionOffset at(int partition, long offset) {
    return PartitionOffset.newBuilder()
        .setTopic("t")
        .setPartition(partition)
        .setOffset(offset)
        .build();
  }

  static TopicPartition partition(int number) {
    return TopicPartition.newBuilder().setTopic("t").setPartition(number).build();
  }

  private final class LogService extends LogServiceGrpc.LogServiceImplBase {
    @Override
    public StreamObserver<ConsumeRequest> consume(StreamObserver<ConsumeResponse> answers) {
      // Answers on a broken stream go nowhere; without a handler they would throw.
      ((ServerCallStreamObserver<?>) answers).setOnCancelHandler(() -> {});
      Stream stream = new Stream(answers);
      opened.add(stream);
      return stream;
    }
  }
}
