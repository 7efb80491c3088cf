package io.kontiki.client;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Failures;
import io.kontiki.proto.PayloadMethods;
import io.kontiki.proto.Statuses;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.FetchStart;
import io.kontiki.raw.v1.InitProducerIdRequest;
import io.kontiki.raw.v1.InitProducerIdResponse;
import io.kontiki.raw.v1.LeaderHint;
import io.kontiki.record.RecordBatch;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.CreateTopicResponse;
import io.kontiki.v1.DescribeTopicRequest;
import io.kontiki.v1.DescribeTopicResponse;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.ListedOffset;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.WatchClusterRequest;
import io.kontiki.v1.WatchClusterResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ForkJoinPool;

/** One broker of a {@link FakeCluster}: a gRPC server on a port that the system chose. */
final class FakeBroker {
  private static final int MAX_BYTES = 8 * 1024 * 1024;

  private final int id;
  private final FakeCluster cluster;
  private final Server server;
  private final String address;
  private final List<Runnable> stopped = new ArrayList<>();
  private boolean frozen;
  private int running;
  volatile long mostCreditUsed;
  volatile int creations;

  FakeBroker(int id, FakeCluster cluster) throws IOException {
    this.id = id;
    this.cluster = cluster;
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .executor(this::execute)
            .addService(new AdminService())
            .addService(new LogService())
            .addService(
                PayloadMethods.partitionService(
                    ServerCalls.asyncUnaryCall(this::initProducerId),
                    ServerCalls.asyncBidiStreamingCall(this::append),
                    ServerCalls.asyncBidiStreamingCall(this::fetch),
                    MAX_BYTES))
            .build()
            .start();
    this.address = "127.0.0.1:" + server.getPort();
  }

  String address() {
    return address;
  }

  void kill() {
    server.shutdownNow();
  }

  /**
   * Keeps its connections, takes what comes, and does nothing. Waits for what it is doing: a task
   * of gRPC goes on with the messages of its call that come while it runs.
   */
  void freeze() {
    synchronized (stopped) {
      frozen = true;
      while (running > 0) {
        try {
          stopped.wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("interrupted while a broker was being frozen", e);
        }
      }
    }
  }

  /** Does what it should have done meanwhile. */
  void thaw() {
    List<Runnable> late;
    synchronized (stopped) {
      frozen = false;
      late = List.copyOf(stopped);
      stopped.clear();
    }
    late.forEach(this::execute);
    cluster.catchUp(id);
  }

  boolean isFrozen() {
    synchronized (stopped) {
      return frozen;
    }
  }

  private void execute(Runnable task) {
    synchronized (stopped) {
      if (frozen) {
        stopped.add(task);
        return;
      }
      running++;
    }
    ForkJoinPool.commonPool()
        .execute(
            () -> {
              try {
                task.run();
              } finally {
                synchronized (stopped) {
                  running--;
                  stopped.notifyAll();
                }
              }
            });
  }

  private void initProducerId(
      InitProducerIdRequest request, StreamObserver<InitProducerIdResponse> answer) {
    synchronized (cluster) {
      answer.onNext(
          InitProducerIdResponse.newBuilder().setProducerId(cluster.nextProducerId++).build());
    }
    answer.onCompleted();
  }

  private StreamObserver<WithPayload<AppendRequest>> append(
      StreamObserver<AppendResponse> answers) {
    return new Requests<>() {
      @Override
      public void onNext(WithPayload<AppendRequest> request) {
        AppendResponse answer = cluster.append(id, request.message(), request.joined());
        if (answer != null) {
          answers.onNext(answer);
        }
      }
    };
  }

  private StreamObserver<FetchRequest> fetch(StreamObserver<WithPayload<FetchResponse>> answers) {
    Map<Integer, Fetch> fetches = new TreeMap<>();
    // Answers on a broken stream go nowhere; without a handler they would throw.
    ((ServerCallStreamObserver<?>) answers).setOnCancelHandler(() -> {});
    Runnable deliver =
        () -> {
          synchronized (cluster) {
            if (!isFrozen()) {
              fetches.values().removeIf(fetch -> fetch.deliver(answers));
            }
          }
        };
    cluster.onAppend(deliver);
    return new Requests<>() {
      @Override
      public void onNext(FetchRequest request) {
        synchronized (cluster) {
          if (request.hasStart()) {
            fetches.put(request.getStart().getFetchId(), new Fetch(request.getStart()));
          } else if (request.hasCredit()) {
            Fetch fetch = fetches.get(request.getCredit().getFetchId());
            if (fetch != null) {
              fetch.credit += request.getCredit().getBytes();
            }
          } else {
            fetches.remove(request.getStop().getFetchId());
          }
          deliver.run();
        }
      }

      @Override
      public void onError(Throwable broken) {
        synchronized (cluster) {
          fetches.clear();
        }
      }
    };
  }

  /** A fetch that runs. */
  private final class Fetch {
    private final FetchStart start;
    private long next;
    private long credit;
    private long delivered;

    Fetch(FetchStart start) {
      this.start = start;
      this.next = start.getOffset();
      this.credit = start.getCreditBytes();
    }

    /** Sends what there is; true: it has ended. */
    boolean deliver(StreamObserver<WithPayload<FetchResponse>> answers) {
      FakeCluster.Log log = cluster.find(start.getTopicId(), start.getPartition());
      FetchResponse.Builder answer = FetchResponse.newBuilder().setFetchId(start.getFetchId());
      if (log == null) {
        return end(answers, answer, ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "gone"));
      }
      if (log.leader != id || log.epoch != start.getLeaderEpoch()) {
        answer.setLeader(
            LeaderHint.newBuilder()
                .setBrokerId(log.leader)
                .setGrpcAddress(cluster.brokers.get(log.leader).address())
                .setLeaderEpoch(log.epoch));
        return end(answers, answer, ApiError.definite(ErrorReason.NOT_LEADER, "not here"));
      }
      if (next < log.start || next > log.end) {
        ApiError error =
            ApiError.definite(ErrorReason.OFFSET_OUT_OF_RANGE, "outside")
                .with("startOffset", log.start)
                .with("endOffset", log.end);
        return end(answers, answer, error);
      }
      for (ByteBuffer bytes : log.batches) {
        RecordBatch batch = RecordBatch.at(bytes);
        if (batch.lastOffset() >= next && credit > 0) {
          credit -= batch.sizeBytes();
          delivered += batch.sizeBytes();
          mostCreditUsed = Math.max(mostCreditUsed, delivered);
          next = batch.nextOffset();
          answer.setNextOffset(next).setHighWatermark(log.end).setLeaderEpoch(log.epoch);
          answers.onNext(WithPayload.of(answer.build(), bytes.duplicate()));
        }
      }
      return false;
    }

    private boolean end(
        StreamObserver<WithPayload<FetchResponse>> answers,
        FetchResponse.Builder answer,
        ApiError error) {
      answer.setEnded(true).setFailure(Failures.toFailure(error));
      answers.onNext(WithPayload.of(answer.build()));
      return true;
    }
  }

  private abstract static class Requests<T> implements StreamObserver<T> {
    @Override
    public void onError(Throwable broken) {}

    @Override
    public void onCompleted() {}
  }

  private final class AdminService extends AdminServiceGrpc.AdminServiceImplBase {
    @Override
    public void watchCluster(
        WatchClusterRequest request, StreamObserver<WatchClusterResponse> answers) {
      cluster.watch(id, new TreeSet<>(request.getTopicsList()), answers);
    }

    @Override
    public void createTopic(
        CreateTopicRequest request, StreamObserver<CreateTopicResponse> answer) {
      creations++;
      if (cluster.topics.containsKey(request.getName())) {
        answer.onError(
            Statuses.toException(ApiError.definite(ErrorReason.TOPIC_EXISTS, "it exists")));
        return;
      }
      cluster.create(request.getName(), request.getPartitions());
      if (request.getConfigMap().containsKey("lose.answer")) {
        answer.onError(
            Statuses.toException(ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, "lost")));
        return;
      }
      answer.onNext(
          CreateTopicResponse.newBuilder().setTopic(cluster.describe(request.getName())).build());
      answer.onCompleted();
    }

    @Override
    public void describeTopic(
        DescribeTopicRequest request, StreamObserver<DescribeTopicResponse> answer) {
      io.kontiki.v1.TopicDescription topic = cluster.describe(request.getName());
      answer.onNext(
          DescribeTopicResponse.newBuilder()
              .setTopic(topic.toBuilder().putConfig("lose.answer", "yes"))
              .build());
      answer.onCompleted();
    }
  }

  private final class LogService extends LogServiceGrpc.LogServiceImplBase {
    @Override
    public void listOffsets(
        ListOffsetsRequest request, StreamObserver<ListOffsetsResponse> answer) {
      ListOffsetsResponse.Builder found = ListOffsetsResponse.newBuilder();
      synchronized (cluster) {
        List<FakeCluster.Log> logs = cluster.topics.get(request.getTopic());
        List<Integer> wanted = new ArrayList<>(request.getPartitionsList());
        wanted.removeIf(partition -> partition >= logs.size());
        for (int partition : wanted) {
          FakeCluster.Log log = logs.get(partition);
          long offset = log.end;
          if (request.getAt().getAnchor() == OffsetAnchor.OFFSET_ANCHOR_EARLIEST) {
            offset = log.start;
          }
          found.addOffsets(ListedOffset.newBuilder().setPartition(partition).setOffset(offset));
        }
      }
      answer.onNext(found.build());
      answer.onCompleted();
    }
  }
}
