package io.kontiki.cli.stream;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.model.Endpoint;
import io.kontiki.v1.Assigned;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.InitProducerIdResponse;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.ListedOffset;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.OffsetAnchor;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.ProduceResponse;
import io.kontiki.v1.ReadRequest;
import io.kontiki.v1.ReadResponse;
import io.kontiki.v1.RecordPosition;
import io.kontiki.v1.Records;
import io.kontiki.v1.Subscribe;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The log service on a real port with a log in memory that several of these may share, as the
 * brokers of a cluster do. What goes wrong is scripted.
 */
public final class MemoryLogBroker implements AutoCloseable {
  /** The largest batch that a topic takes. */
  public static final int MAX_BATCH_BYTES = 1_000;

  private final Log log;
  private final Server server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Deque<Fault> faults = new ArrayDeque<>();
  private final List<Integer> sequences = new ArrayList<>();

  /** What happens to one call. */
  public enum Fault {
    /** Refused, definitely. */
    NOT_NOW,
    /** The connection breaks when the records are appended. */
    BREAK_AFTER_APPEND,
    /** A stream breaks after its first message. */
    BREAK_AFTER_FIRST_MESSAGE,
    /** A stream begins with records before the offset asked for. */
    WHOLE_BATCH
  }

  /**
   * Partitions of the only topic, {@code t} or {@code demo}, and the answers that producers may ask
   * for again.
   */
  public static final class Log {
    private final List<List<LogRecord>> partitions = new ArrayList<>();
    private final Map<String, ProduceResponse> answers = new HashMap<>();
    private final Map<String, Long> commits = new HashMap<>();
    private long nextProducerId = 1L << 52;

    public Log(int partitionCount) {
      for (int i = 0; i < partitionCount; i++) {
        partitions.add(new ArrayList<>());
      }
    }

    public synchronized List<String> values(int partition) {
      return partitions.get(partition).stream().map(one -> one.getValue().toStringUtf8()).toList();
    }

    /** Breaks the promise that this whole project is about. */
    public synchronized void loseLast(int partition) {
      List<LogRecord> all = partitions.get(partition);
      all.remove(all.size() - 1);
    }

    synchronized ProduceResponse append(ProduceRequest request) {
      String key = request.getProducerId() + "/" + request.getSequence();
      ProduceResponse known = answers.get(key);
      if (known != null) {
        return known;
      }
      int bytes = request.getRecordsList().stream().mapToInt(LogRecord::getSerializedSize).sum();
      if (bytes > MAX_BATCH_BYTES) {
        throw refusal(Code.INVALID_ARGUMENT, "RECORD_TOO_LARGE", bytes + " bytes are too many");
      }
      if (request.getPartition() >= partitions.size()) {
        throw refusal(Code.NOT_FOUND, "PARTITION_NOT_FOUND", "there is none");
      }
      ProduceResponse.Builder response = ProduceResponse.newBuilder();
      List<LogRecord> partition = partitions.get(request.getPartition());
      for (LogRecord one : request.getRecordsList()) {
        response.addPositions(
            RecordPosition.newBuilder()
                .setPartition(request.getPartition())
                .setOffset(partition.size()));
        partition.add(one.toBuilder().setOffset(partition.size()).build());
      }
      answers.put(key, response.build());
      notifyAll();
      return response.build();
    }

    synchronized List<LogRecord> from(int partition, long offset) {
      List<LogRecord> all = partitions.get(partition);
      int to = (int) Math.min(all.size(), offset + 3);
      return offset >= all.size() ? List.of() : List.copyOf(all.subList((int) offset, to));
    }

    /** The next records that the group has not got, or null. */
    synchronized @Nullable Records next(String topic, long[] positions) {
      for (int partition = 0; partition < partitions.size(); partition++) {
        List<LogRecord> records = from(partition, positions[partition]);
        if (!records.isEmpty()) {
          positions[partition] += records.size();
          return Records.newBuilder()
              .setTopic(topic)
              .setPartition(partition)
              .addAllRecords(records)
              .setPosition(
                  PartitionOffset.newBuilder()
                      .setTopic(topic)
                      .setPartition(partition)
                      .setOffset(positions[partition]))
              .build();
        }
      }
      return null;
    }

    /** What a group has committed. */
    public synchronized long committed(String group, int partition) {
      return commits.getOrDefault(group + "/" + partition, -1L);
    }

    synchronized void commit(String group, PartitionOffset offset) {
      commits.put(group + "/" + offset.getPartition(), offset.getOffset());
    }

    synchronized void awaitMore(int partition, long offset) throws InterruptedException {
      if (partitions.get(partition).size() <= offset) {
        wait(50);
      }
    }
  }

  public MemoryLogBroker(Log log, Fault... faults) throws IOException {
    this.log = log;
    this.faults.addAll(List.of(faults));
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .executor(threads)
            .addService(new Service())
            .build()
            .start();
  }

  public Endpoint address() {
    return new Endpoint("127.0.0.1", server.getPort());
  }

  /** Sequences of the produce requests that came, repetitions included. */
  public synchronized List<Integer> sequences() {
    return List.copyOf(sequences);
  }

  private synchronized boolean takes(Fault fault) {
    if (faults.peek() == fault) {
      faults.poll();
      return true;
    }
    return false;
  }

  private static StatusRuntimeException refusal(Code code, String reason, String message) {
    ErrorInfo info =
        ErrorInfo.newBuilder()
            .setReason(reason)
            .setDomain("kontiki")
            .putMetadata("outcome", "definite")
            .build();
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.getNumber())
            .setMessage(message)
            .addDetails(Any.pack(info))
            .build());
  }

  @Override
  public void close() {
    server.shutdownNow();
    threads.shutdownNow();
  }

  private final class Service extends LogServiceGrpc.LogServiceImplBase {
    @Override
    public void initProducerId(
        InitProducerIdRequest request, StreamObserver<InitProducerIdResponse> out) {
      synchronized (log) {
        out.onNext(InitProducerIdResponse.newBuilder().setProducerId(log.nextProducerId++).build());
      }
      out.onCompleted();
    }

    @Override
    public void produce(ProduceRequest request, StreamObserver<ProduceResponse> out) {
      synchronized (MemoryLogBroker.this) {
        sequences.add(request.getSequence());
      }
      if (takes(Fault.NOT_NOW)) {
        out.onError(refusal(Code.UNAVAILABLE, "LEADER_UNAVAILABLE", "nobody leads"));
        return;
      }
      try {
        ProduceResponse response = log.append(request);
        if (takes(Fault.BREAK_AFTER_APPEND)) {
          out.onError(Status.UNAVAILABLE.withDescription("broken").asRuntimeException());
          return;
        }
        out.onNext(response);
        out.onCompleted();
      } catch (StatusRuntimeException e) {
        out.onError(e);
      }
    }

    @Override
    public void listOffsets(ListOffsetsRequest request, StreamObserver<ListOffsetsResponse> out) {
      if (!request.getTopic().equals("t") && !request.getTopic().equals("demo")) {
        out.onError(refusal(Code.NOT_FOUND, "TOPIC_NOT_FOUND", "topic 'x' does not exist"));
        return;
      }
      if (request.getAt().hasOffset()) {
        out.onError(refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD", "nothing is to be found"));
        return;
      }
      ListOffsetsResponse.Builder response = ListOffsetsResponse.newBuilder();
      for (int partition = 0; partition < log.partitions.size(); partition++) {
        if (request.getPartitionsCount() == 0 || request.getPartitionsList().contains(partition)) {
          boolean latest = request.getAt().getAnchor() == OffsetAnchor.OFFSET_ANCHOR_LATEST;
          long offset = latest ? log.values(partition).size() : 0;
          response.addOffsets(ListedOffset.newBuilder().setPartition(partition).setOffset(offset));
        }
      }
      out.onNext(response.build());
      out.onCompleted();
    }

    /** A group of one member. */
    @Override
    public StreamObserver<ConsumeRequest> consume(StreamObserver<ConsumeResponse> observer) {
      ServerCallStreamObserver<ConsumeResponse> out =
          (ServerCallStreamObserver<ConsumeResponse>) observer;
      out.setOnCancelHandler(() -> {});
      AtomicBoolean over = new AtomicBoolean();
      return new StreamObserver<>() {
        private Subscribe member = Subscribe.getDefaultInstance();

        @Override
        public void onNext(ConsumeRequest request) {
          if (request.hasSubscribe()) {
            member = request.getSubscribe();
            threads.execute(() -> push(member, out, over));
          }
          for (PartitionOffset offset : request.getCommit().getOffsetsList()) {
            log.commit(member.getGroup(), offset);
          }
        }

        @Override
        public void onError(Throwable failure) {
          over.set(true);
        }

        @Override
        public void onCompleted() {
          if (!over.getAndSet(true)) {
            synchronized (out) {
              out.onCompleted();
            }
          }
        }
      };
    }

    private void push(
        Subscribe member, ServerCallStreamObserver<ConsumeResponse> out, AtomicBoolean over) {
      boolean latest = member.getStartAt().getAnchor() == OffsetAnchor.OFFSET_ANCHOR_LATEST;
      long[] positions = new long[log.partitions.size()];
      for (int partition = 0; partition < positions.length; partition++) {
        long start = latest ? log.values(partition).size() : 0;
        positions[partition] = Math.max(start, log.committed(member.getGroup(), partition));
      }
      boolean breaks = takes(Fault.BREAK_AFTER_FIRST_MESSAGE);
      try {
        send(
            out,
            over,
            ConsumeResponse.newBuilder().setAssigned(Assigned.newBuilder().setMemberId("m")));
        while (!over.get() && !out.isCancelled()) {
          Records records = log.next(member.getTopics(0), positions);
          if (records == null) {
            synchronized (log) {
              log.wait(20);
            }
            continue;
          }
          send(out, over, ConsumeResponse.newBuilder().setRecords(records));
          if (breaks && !over.getAndSet(true)) {
            out.onError(Status.UNAVAILABLE.withDescription("broken").asRuntimeException());
          }
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void send(
        ServerCallStreamObserver<ConsumeResponse> out,
        AtomicBoolean over,
        ConsumeResponse.Builder response) {
      synchronized (out) {
        if (!over.get()) {
          out.onNext(response.build());
        }
      }
    }

    @Override
    public void read(ReadRequest request, StreamObserver<ReadResponse> observer) {
      ServerCallStreamObserver<ReadResponse> out =
          (ServerCallStreamObserver<ReadResponse>) observer;
      threads.execute(() -> serve(request, out));
    }

    private void serve(ReadRequest request, ServerCallStreamObserver<ReadResponse> out) {
      int partition = request.getPartition();
      long next = request.getStart().getOffset();
      long end = log.values(partition).size();
      if (takes(Fault.WHOLE_BATCH)) {
        next = Math.max(0, next - 1);
      }
      try {
        while (!out.isCancelled() && (request.getFollow() || next < end)) {
          List<LogRecord> records = log.from(partition, next);
          if (records.isEmpty()) {
            log.awaitMore(partition, next);
            continue;
          }
          next += records.size();
          out.onNext(
              ReadResponse.newBuilder()
                  .setRecords(
                      Records.newBuilder()
                          .setTopic("t")
                          .setPartition(partition)
                          .addAllRecords(records)
                          .setPosition(PartitionOffset.newBuilder().setOffset(next)))
                  .build());
          if (takes(Fault.BREAK_AFTER_FIRST_MESSAGE)) {
            out.onError(Status.UNAVAILABLE.withDescription("broken").asRuntimeException());
            return;
          }
        }
        if (!out.isCancelled()) {
          out.onCompleted();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
