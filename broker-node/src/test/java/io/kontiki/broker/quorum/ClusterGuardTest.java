package io.kontiki.broker.quorum;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.internal.v1.HelloRequest;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.internal.v1.ReadIndexRequest;
import io.kontiki.internal.v1.ReadIndexResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.AdmitVoter;
import io.kontiki.metadata.MetadataCommand.FormCluster;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Node 1 calls node 2. */
class ClusterGuardTest {
  private static final Uid CLUSTER = new Uid(7, 7);
  private static final Uid OLD = new Uid(1, 1);
  private static final Uid NEW = new Uid(3, 3);
  private static final long ADMITTED = 9;
  private static final Endpoint SECOND = new Endpoint("b", 1);
  private final ClusterGuard caller = new ClusterGuard();
  private final ClusterGuard callee = new ClusterGuard();
  private Server server;
  private ManagedChannel channel;

  @BeforeEach
  void connect() throws IOException {
    caller.be(1, OLD);
    callee.be(2, new Uid(1, 2));
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .intercept(callee)
            .addService(new Answering())
            .build()
            .start();
    channel = channel(SECOND);
  }

  /** To the one server, for the caller at this address. */
  private ManagedChannel channel(Endpoint raft) {
    return NettyChannelBuilder.forAddress("127.0.0.1", server.getPort())
        .usePlaintext()
        .intercept(caller.to(raft))
        .build();
  }

  @AfterEach
  void close() throws InterruptedException {
    channel.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
    server.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
  }

  private static final class Answering extends ClusterServiceGrpc.ClusterServiceImplBase {
    @Override
    public void readIndex(ReadIndexRequest request, StreamObserver<ReadIndexResponse> out) {
      out.onNext(ReadIndexResponse.newBuilder().setIndex(5).build());
      out.onCompleted();
    }

    @Override
    public void hello(HelloRequest request, StreamObserver<HelloResponse> out) {
      out.onNext(HelloResponse.newBuilder().setNodeId(2).build());
      out.onCompleted();
    }
  }

  /** Voters 1 and 2 in this cluster; 1 with this directory, since {@link #ADMITTED} if not OLD. */
  private static ClusterImage image(Uid cluster, Uid first) {
    List<VoterImage> voters =
        List.of(
            new VoterImage(1, new Endpoint("a", 1), OLD), new VoterImage(2, SECOND, new Uid(1, 2)));
    ClusterImage formed =
        MetadataMachine.apply(ClusterImage.EMPTY, 2, new FormCluster(0, cluster, 1, voters, 1))
            .image();
    return first.equals(OLD)
        ? formed
        : MetadataMachine.apply(formed, ADMITTED, new AdmitVoter(0, 1, OLD, first)).image();
  }

  private long call() {
    return ClusterServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .readIndex(ReadIndexRequest.getDefaultInstance())
        .getIndex();
  }

  private Status refusal() {
    return assertThrows(StatusRuntimeException.class, this::call).getStatus();
  }

  @Test
  void nodesOfOneClusterAndOnesOfNoneSpeak() {
    assertEquals(5, call());
    callee.know(image(CLUSTER, OLD));
    assertEquals(5, call());
    caller.know(image(CLUSTER, OLD));
    assertEquals(5, call());
  }

  @Test
  void nodesOfOtherClustersDoNotButMayAskWhoIsThere() {
    callee.know(image(CLUSTER, OLD));
    caller.know(image(new Uid(8, 8), OLD));
    assertTrue(refusal().toString().contains("belongs to cluster"), refusal()::toString);
    HelloResponse told =
        ClusterServiceGrpc.newBlockingStub(channel).hello(HelloRequest.getDefaultInstance());
    assertEquals(2, told.getNodeId());
  }

  @Test
  void aDiskThatWasReplacedIsRefusedM16() {
    callee.know(image(CLUSTER, NEW));
    Status refusal = refusal();
    assertEquals(Status.Code.FAILED_PRECONDITION, refusal.getCode());
    assertTrue(refusal.toString().contains(NEW.toString()), refusal::toString);
  }

  @Test
  void aDiskThatTookItsPlaceIsHeardByOneWhoseImageIsOlderM16() {
    caller.be(1, NEW);
    caller.admittedAt(ADMITTED);
    callee.know(image(CLUSTER, OLD));
    assertEquals(5, call());
    callee.know(image(CLUSTER, NEW));
    assertEquals(5, call());
  }

  @Test
  void theAnswersOfADiskThatWasReplacedDoNotCountM16() {
    // The other way round: who is called is not who the caller has on record, at another address.
    channel.shutdownNow();
    channel = channel(new Endpoint("elsewhere", 1));
    callee.be(1, OLD);
    caller.be(2, new Uid(1, 2));
    caller.know(image(CLUSTER, OLD));
    assertEquals(5, call());
    caller.know(image(CLUSTER, NEW));
    assertFalse(refusal().isOk());
  }

  @Test
  void aNodeOfNoClusterDoesNotHearWhoMeansTheDiskThatWasThereBefore() {
    callee.be(2, new Uid(9, 9));
    assertEquals(5, call());
    caller.know(image(CLUSTER, OLD));
    Status refusal = refusal();
    assertEquals(Status.Code.FAILED_PRECONDITION, refusal.getCode());
    assertTrue(refusal.toString().contains(new Uid(1, 2).toString()), refusal::toString);
    // Taken in since: who calls does not know that yet.
    callee.admittedAt(ADMITTED);
    assertEquals(5, call());
  }
}
