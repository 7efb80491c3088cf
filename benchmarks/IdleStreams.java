import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.Subscribe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What idle consumers cost the node that holds their streams: heap after a collection and resident
 * memory, before and after. Started by idle-streams.sh.
 */
public final class IdleStreams {
  private static final int STREAMS_PER_CONNECTION = 100;
  private static final int STREAMS_PER_GROUP = 100;
  private static final long QUIET_MS = 20_000;

  private IdleStreams() {}

  /** WORK LAUNCHER BASE_PORT STREAMS. */
  public static void main(String[] args) throws Exception {
    Path work = Path.of(args[0]);
    int port = Integer.parseInt(args[2]);
    int streams = Integer.parseInt(args[3]);
    Process node = start(work, args[1], port);
    List<ManagedChannel> channels = new ArrayList<>();
    try {
      channels.add(channel(port));
      createTopic(channels.get(0));
      Thread.sleep(QUIET_MS);
      Memory before = Memory.of(node.pid());
      AtomicInteger heartbeats = new AtomicInteger();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      CountDownLatch assigned = new CountDownLatch(streams);
      long began = System.nanoTime();
      for (int i = 0; i < streams; i++) {
        if (i % STREAMS_PER_CONNECTION == 0) {
          channels.add(channel(port));
        }
        open(channels.get(channels.size() - 1), i, assigned, heartbeats, failure);
      }
      if (!assigned.await(300, TimeUnit.SECONDS) || failure.get() != null) {
        throw new IllegalStateException(assigned.getCount() + " not joined", failure.get());
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      Thread.sleep(QUIET_MS);
      Memory after = Memory.of(node.pid());
      if (failure.get() != null) {
        throw new IllegalStateException("a stream broke", failure.get());
      }
      System.out.printf("streams                %,10d%n", streams);
      System.out.printf("all joined after       %,10.1f s%n", seconds);
      System.out.printf("heartbeats             %,10d%n", heartbeats.get());
      System.out.printf("heap, before, after    %,10d %,10d KiB%n", before.heapKib, after.heapKib);
      System.out.printf("resident               %,10d %,10d KiB%n", before.rssKib, after.rssKib);
      System.out.printf(
          "heap a stream          %,10.1f KiB%n",
          (after.heapKib - before.heapKib) / (double) streams);
      System.out.printf(
          "resident a stream      %,10.1f KiB%n",
          (after.rssKib - before.rssKib) / (double) streams);
    } finally {
      channels.forEach(ManagedChannel::shutdownNow);
      node.destroy();
      if (!node.waitFor(30, TimeUnit.SECONDS)) {
        node.destroyForcibly();
      }
    }
  }

  private static Process start(Path work, String launcher, int port) throws IOException {
    Path config = work.resolve("node.conf");
    Files.write(
        config,
        List.of(
            "node.id = 1",
            "data.dir = " + work.resolve("data"),
            "cluster.voters = 1@127.0.0.1:" + (port + 1),
            "grpc.listen = 127.0.0.1:" + port,
            "raft.listen = 127.0.0.1:" + (port + 1),
            "http.listen = 127.0.0.1:" + (port + 2),
            "replication.listen = 127.0.0.1:" + (port + 4)));
    return new ProcessBuilder(launcher, "server", "--config", config.toString())
        .redirectErrorStream(true)
        .redirectOutput(work.resolve("node.log").toFile())
        .start();
  }

  private static ManagedChannel channel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  private static void createTopic(ManagedChannel channel) {
    AdminServiceGrpc.newBlockingStub(channel)
        .withWaitForReady()
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .createTopic(
            CreateTopicRequest.newBuilder()
                .setName("idle")
                .setPartitions(STREAMS_PER_GROUP)
                .build());
  }

  private static void open(
      ManagedChannel channel,
      int number,
      CountDownLatch assigned,
      AtomicInteger heartbeats,
      AtomicReference<Throwable> failure) {
    StreamObserver<ConsumeRequest> requests =
        LogServiceGrpc.newStub(channel)
            .consume(
                new StreamObserver<>() {
                  private boolean first = true;

                  @Override
                  public void onNext(ConsumeResponse event) {
                    if (first) {
                      first = false;
                      assigned.countDown();
                    }
                    if (event.hasHeartbeat()) {
                      heartbeats.incrementAndGet();
                    }
                  }

                  @Override
                  public void onError(Throwable error) {
                    failure.compareAndSet(null, error);
                  }

                  @Override
                  public void onCompleted() {}
                });
    requests.onNext(
        ConsumeRequest.newBuilder()
            .setSubscribe(
                Subscribe.newBuilder()
                    .setGroup("idle-" + number / STREAMS_PER_GROUP)
                    .addTopics("idle"))
            .build());
  }

  /** Of a process. */
  private record Memory(long heapKib, long rssKib) {
    static Memory of(long pid) throws IOException, InterruptedException {
      run("jcmd", "" + pid, "GC.run");
      long heap = 0;
      // As "def new generation   total 9216K, used 1234K" and "garbage-first heap   total ...".
      for (String line : run("jcmd", "" + pid, "GC.heap_info").split("\n")) {
        int used = line.indexOf("used ");
        if (used >= 0 && line.contains("total ") && !line.contains("Metaspace")) {
          heap += Long.parseLong(line.substring(used + 5, line.indexOf('K', used)));
        }
      }
      long rss = 0;
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
        if (line.startsWith("VmRSS:")) {
          rss = Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
      return new Memory(heap, rss);
    }

    private static String run(String... command) throws IOException, InterruptedException {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes());
      if (process.waitFor() != 0) {
        throw new IOException(String.join(" ", command) + ": " + output);
      }
      return output;
    }
  }
}
