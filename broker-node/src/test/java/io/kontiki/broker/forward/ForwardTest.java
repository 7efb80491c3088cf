package io.kontiki.broker.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Server;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.ListOffset;
import io.kontiki.broker.api.PartitionRequests.OffsetAnswer;
import io.kontiki.broker.api.PartitionRequests.OffsetQuery;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.loop.LoopGroup;
import io.kontiki.broker.testing.MemoryMetadata;
import io.kontiki.broker.testing.MemoryPartitions;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.record.Compression;
import io.kontiki.record.RecordBatchBuilder;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.system.SystemClock;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Requests from one broker to another over loopback (rule R45). */
class ForwardTest {
  private final SystemClock clock = new SystemClock();
  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  private final LoopGroup loops =
      new LoopGroup("data", 1, clock, (what, cause) -> fault.compareAndSet(null, cause));
  private final MemoryMetadata metadata = MemoryMetadata.cluster(loops.first(), 3);
  private final PartitionId partition = new PartitionId(metadata.topic("orders", 1, Map.of()), 0);
  private final MemoryPartitions leader = new MemoryPartitions(loops.first(), metadata);
  private final BrokerChannels channels =
      new BrokerChannels(
          endpoint ->
              NettyChannelBuilder.forAddress(endpoint.host(), endpoint.port())
                  .eventLoopGroup(loops.netty())
                  .channelType(LoopGroup.channelType())
                  .directExecutor()
                  .usePlaintext()
                  .build());
  private final GrpcForwarder forwarder = new GrpcForwarder(channels, clock);
  private final Server server;
  private final BrokerImage broker;

  ForwardTest() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0))
            .bossEventLoopGroup(loops.netty())
            .workerEventLoopGroup(loops.netty())
            .channelType(LoopGroup.serverChannelType())
            .directExecutor()
            .addService(new ForwardGrpcService(leader, clock))
            .build()
            .start();
    Endpoint there = new Endpoint("127.0.0.1", server.getPort());
    broker =
        new BrokerImage(
            1,
            1,
            new Uid(1, 1),
            new Uid(1, 2),
            new BrokerImage.Endpoints(there, there, there, there, null),
            BrokerImage.State.ACTIVE,
            0,
            "test",
            BrokerImage.Wish.NONE,
            0);
  }

  @AfterEach
  void stop() throws InterruptedException {
    channels.close();
    server.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
    loops.close();
    assertNull(fault.get(), () -> "a fault: " + fault.get());
  }

  private static ByteBuffer batch() {
    RecordBatchBuilder builder = new RecordBatchBuilder(Compression.NONE);
    builder.append(1_000, null, new byte[] {1, 2, 3}, List.of());
    return builder.build();
  }

  private <T> T ask(Consumer<Completion<T>> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    question.accept(
        value -> {
          if (!answer.complete(value)) {
            fault.compareAndSet(null, new AssertionError("answered twice: " + value));
          }
        });
    return answer.orTimeout(15, TimeUnit.SECONDS).join();
  }

  private AppendAnswer append(ByteBuffer bytes, long timeoutMs) {
    Append append =
        new Append(
            partition,
            0,
            Acks.ALL,
            bytes,
            clock.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs),
            Route.LOCAL);
    return ask(done -> forwarder.append(broker, append, done));
  }

  private static ApiError error(AppendAnswer answer) {
    return ((AppendAnswer.Failed) answer).error();
  }

  @Test
  void appendsReadsSearchesAndDescriptionsArriveAsTheyWereSent() {
    AppendAnswer.Appended first = (AppendAnswer.Appended) append(batch(), 10_000);
    AppendAnswer.Appended second = (AppendAnswer.Appended) append(batch(), 10_000);
    assertEquals(0, first.baseOffset());
    assertEquals(1, second.baseOffset());
    Fetch fetch =
        new Fetch(partition, -1, 0, -1, 1 << 20, 1, clock.nanoTime() + 1_000_000_000L, Route.LOCAL);
    FetchAnswer.Fetched read =
        (FetchAnswer.Fetched) this.<FetchAnswer>ask(done -> forwarder.fetch(broker, fetch, done));
    assertEquals(2, read.nextOffset());
    assertEquals(2 * batch().remaining(), read.bytes());
    for (OffsetQuery query :
        List.of(new OffsetQuery.Latest(), new OffsetQuery.Earliest(), new OffsetQuery.AtTime(1))) {
      ListOffset list =
          new ListOffset(partition, query, clock.nanoTime() + 5_000_000_000L, Route.LOCAL);
      OffsetAnswer.Found found =
          (OffsetAnswer.Found)
              this.<OffsetAnswer>ask(done -> forwarder.listOffset(broker, list, done));
      assertEquals(query instanceof OffsetQuery.Latest ? 2 : 0, found.offset());
    }
    Description ends =
        ask(done -> forwarder.describe(broker, partition, clock.nanoTime() + 5_000_000_000L, done));
    assertEquals(new Description(partition, true, 0, 2), ends);
  }

  @Test
  void aFailureKeepsReasonOutcomeDelayDataAndHint() {
    ApiError sent = ApiError.definite(ErrorReason.NOT_LEADER, "no more").with("leader", 2);
    leader.failing(partition, () -> sent);
    AppendAnswer.Failed failed = (AppendAnswer.Failed) append(batch(), 10_000);
    assertEquals(sent, failed.error());
    assertEquals(2, failed.leader().brokerId());
    ApiError open = ApiError.indefinite(ErrorReason.NOT_ENOUGH_REPLICAS_AFTER_APPEND, "gone");
    leader.failing(partition, () -> open);
    assertEquals(open, error(append(batch(), 10_000)));
    ApiError busy = ApiError.retriable(ErrorReason.BUSY, "later", 100);
    leader.failing(partition, () -> busy);
    assertEquals(busy, error(append(batch(), 10_000)));
  }

  @Test
  void theSameBufferCanBeSentAgain() {
    ByteBuffer bytes = batch();
    leader.failing(partition, () -> ApiError.definite(ErrorReason.NOT_LEADER, "no"));
    append(bytes.duplicate(), 10_000);
    leader.failing(partition, () -> null);
    assertTrue(append(bytes.duplicate(), 10_000) instanceof AppendAnswer.Appended);
    assertTrue(leader.batches(partition).get(0).sizeBytes() == bytes.remaining());
  }

  @Test
  void aBrokerThatCannotBeReachedIsADefiniteRefusal() throws InterruptedException {
    server.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
    ApiError error = error(append(batch(), 10_000));
    assertEquals(ErrorReason.BROKER_UNREACHABLE, error.reason());
    assertTrue(error.definite());
  }

  @Test
  void whatWasSentAndNotAnsweredIsUnknown() {
    append(batch(), 10_000);
    leader.pausing(partition, true);
    ApiError error = error(append(batch(), 500));
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, error.reason());
    assertFalse(error.definite());
    leader.pausing(partition, false);
  }

  @Test
  void whatIsGivenUpEndsAtOnceAndIsUnknownOnceItHasLeft() {
    append(batch(), 10_000);
    leader.pausing(partition, true);
    ApiError error = error(this.<AppendAnswer>ask(done -> giveUpSoon(broker, done)));
    assertEquals(ErrorReason.OUTCOME_UNKNOWN, error.reason());
    assertFalse(error.definite(), "P4");
    leader.pausing(partition, false);
  }

  @Test
  void whatIsGivenUpBeforeTheDialWasAnsweredCertainlyDidNothing() throws IOException {
    // The kernel takes the connection of a frozen process; nobody speaks there.
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"))) {
      Endpoint there = new Endpoint("127.0.0.1", silent.getLocalPort());
      BrokerImage frozen =
          new BrokerImage(
              1,
              1,
              new Uid(1, 1),
              new Uid(1, 2),
              new BrokerImage.Endpoints(there, there, there, there, null),
              BrokerImage.State.ACTIVE,
              0,
              "test",
              BrokerImage.Wish.NONE,
              0);
      ApiError error = error(this.<AppendAnswer>ask(done -> giveUpSoon(frozen, done)));
      assertEquals(ErrorReason.BROKER_UNREACHABLE, error.reason());
      assertTrue(error.definite(), "R45");
    }
  }

  private void giveUpSoon(BrokerImage to, Completion<AppendAnswer> done) {
    long deadline = clock.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    Append append = new Append(partition, 0, Acks.ALL, batch(), deadline, Route.LOCAL);
    Runnable giveUp = forwarder.append(to, append, done);
    loops.first().schedule(TimeUnit.MILLISECONDS.toNanos(200), giveUp);
  }

  @Test
  void afterTheChannelsAreClosedRequestsFailAndNothingBreaks() {
    append(batch(), 10_000);
    channels.close();
    assertTrue(error(append(batch(), 10_000)).definite());
  }
}
