package io.kontiki.broker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.kontiki.config.Config;
import io.kontiki.config.ConfigSources;
import io.kontiki.config.NodeConfig;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.ListBrokersRequest;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.LogDirState;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole node on a file system of 96 MiB (rules D4, L4, M12, P15). Only where one can mount. */
class DiskFullNodeTest {
  private static final String TOPIC = "orders";

  private final AtomicReference<Throwable> fault = new AtomicReference<>();
  @TempDir Path mountPoint;
  private ManagedChannel channel;
  private BrokerServer server;

  @BeforeEach
  void start() throws IOException, InterruptedException {
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", mountPoint.toString()),
        "no file system can be mounted here");
    int grpc = LoopbackPorts.next();
    int raft = LoopbackPorts.next();
    List<String> settings =
        List.of(
            "node.id=1",
            "data.dir=" + mountPoint.resolve("node"),
            "cluster.voters=1@127.0.0.1:" + raft,
            "grpc.listen=127.0.0.1:" + grpc,
            "raft.listen=127.0.0.1:" + raft,
            "http.listen=127.0.0.1:0",
            "replication.listen=127.0.0.1:0",
            "journal.bytes=8m",
            "journal.step.bytes=1m",
            "disk.reserve.bytes=24m",
            "disk.reserve.percent=50");
    Config config = Config.read(NodeConfig.keys(), ConfigSources.NONE.withOverrides(settings));
    server =
        new BrokerServer(
            NodeConfig.from(config),
            config,
            (what, cause) -> fault.compareAndSet(null, new AssertionError(what, cause)),
            () -> {});
    server.start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc).usePlaintext().build();
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .ignoreExceptions()
        .until(
            () -> {
              create(TOPIC);
              return true;
            });
  }

  @AfterEach
  void stop() throws IOException, InterruptedException {
    if (channel != null) {
      channel.shutdownNow();
    }
    if (server != null) {
      server.close();
      run("umount", mountPoint.toString());
      assertNull(fault.get(), () -> "a fault: " + fault.get());
    }
  }

  private static boolean run(String... command) throws IOException, InterruptedException {
    try {
      Process process = new ProcessBuilder(command).start();
      return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private void create(String topic) {
    AdminServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .createTopic(
            CreateTopicRequest.newBuilder()
                .setName(topic)
                .setPartitions(1)
                .setReplicationFactor(1)
                .build());
  }

  private Status.Code produce(int bytes) {
    try {
      LogServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .produce(
              ProduceRequest.newBuilder()
                  .setTopic(TOPIC)
                  .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFrom(new byte[bytes])))
                  .build());
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private long end() {
    return LogServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .listOffsets(ListOffsetsRequest.newBuilder().setTopic(TOPIC).build())
        .getOffsets(0)
        .getOffset();
  }

  private LogDirState directory() {
    return AdminServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .listBrokers(ListBrokersRequest.newBuilder().setIncludeLogDirs(true).build())
        .getBrokers(0)
        .getLogDirs(0)
        .getState();
  }

  /** Fills the file system to its last byte. */
  private Path fill() throws IOException {
    Path filler = mountPoint.resolve("filler");
    try (OutputStream out = Files.newOutputStream(filler)) {
      byte[] piece = new byte[64 << 10];
      for (; ; ) {
        out.write(piece);
      }
    } catch (IOException full) {
      return filler;
    }
  }

  @Test
  void aNodeRefusesBeforeItsDiskIsFullAndLosesNothing() throws IOException {
    int accepted = 0;
    // What is appended during a look counts twice until the next one, so that a refusal may come a
    // look too early and be taken back.
    boolean full = false;
    for (int i = 0; i < 1_000 && !full; i++) {
      Status.Code code = produce(900_000);
      if (code == Status.Code.OK) {
        accepted++;
      } else {
        assertEquals(Status.Code.RESOURCE_EXHAUSTED, code);
        assertEquals(accepted, end());
        full = directory() == LogDirState.LOG_DIR_STATE_FULL;
      }
    }
    assertTrue(full);
    assertNotEquals(0, accepted);
  }

  @Test
  void aDiskThatOthersFilledStopsRecordsOnlyAndNothingNeedsARestart() throws IOException {
    assertEquals(Status.Code.OK, produce(1_000));
    Path filler = fill();
    Awaitility.await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> produce(1_000) == Status.Code.RESOURCE_EXHAUSTED);
    assertEquals(1, end());
    // The ballast was given up for the metadata: they go on.
    create("made-on-a-full-disk");
    Files.delete(filler);
    Awaitility.await().atMost(Duration.ofSeconds(5)).until(() -> produce(1_000) == Status.Code.OK);
    assertEquals(2, end());
    assertEquals(LogDirState.LOG_DIR_STATE_ONLINE, directory());
  }
}
