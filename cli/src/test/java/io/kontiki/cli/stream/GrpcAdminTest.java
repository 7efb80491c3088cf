package io.kontiki.cli.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.Deadline;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.system.LoopbackPorts;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.CreateTopicResponse;
import io.kontiki.v1.DeleteTopicRequest;
import io.kontiki.v1.DeleteTopicResponse;
import io.kontiki.v1.PartitionDescription;
import io.kontiki.v1.TopicDescription;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class GrpcAdminTest {
  private Server server;

  @BeforeEach
  void start() throws IOException {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .addService(new Service())
            .build()
            .start();
  }

  @AfterEach
  void stop() {
    server.shutdownNow();
  }

  private static Deadline soon() {
    return Deadline.in(Duration.ofSeconds(20));
  }

  private static Endpoint nobody() {
    return new Endpoint("127.0.0.1", LoopbackPorts.next());
  }

  private GrpcAdmin admin() throws IOException {
    return new GrpcAdmin(List.of(nobody(), new Endpoint("127.0.0.1", server.getPort())));
  }

  @Test
  void theAnswerIsThatOfTheHttpForm() throws IOException {
    JsonObject answer =
        admin()
            .call(
                "CreateTopic",
                new JsonObject().with("name", "orders").with("partitions", 1),
                soon());
    assertNotNull(answer);
    assertEquals(
        "{\"topic\":{\"name\":\"orders\",\"topicId\":\"\",\"config\":{},\"partitions\":["
            + "{\"partition\":0,\"leaderEpoch\":0,\"replicas\":[1],\"isr\":[],\"elr\":[],"
            + "\"adding\":[],\"removing\":[],\"highWatermark\":\"7\"}],\"internal\":false},"
            + "\"metadataIndex\":\"0\",\"partitionsNotReady\":[]}",
        answer.toString());
  }

  @Test
  void aRefusalKeepsItsReason() throws IOException {
    GrpcAdmin admin = admin();
    AdminError error =
        assertThrows(
            AdminError.class,
            () -> admin.call("DeleteTopic", new JsonObject().with("name", "orders"), soon()));
    assertEquals("TOPIC_NOT_FOUND: there is no such topic", error.line(false));
  }

  @Test
  void nobodyIsNoAnswer() throws IOException {
    assertNull(new GrpcAdmin(List.of(nobody())).call("ListTopics", new JsonObject(), soon()));
  }

  private static final class Service extends AdminServiceGrpc.AdminServiceImplBase {
    @Override
    public void createTopic(CreateTopicRequest request, StreamObserver<CreateTopicResponse> out) {
      out.onNext(
          CreateTopicResponse.newBuilder()
              .setTopic(
                  TopicDescription.newBuilder()
                      .setName(request.getName())
                      .addPartitions(
                          PartitionDescription.newBuilder().addReplicas(1).setHighWatermark(7)))
              .build());
      out.onCompleted();
    }

    @Override
    public void deleteTopic(DeleteTopicRequest request, StreamObserver<DeleteTopicResponse> out) {
      out.onError(
          StatusProto.toStatusRuntimeException(
              com.google.rpc.Status.newBuilder()
                  .setCode(Code.NOT_FOUND.getNumber())
                  .setMessage("there is no such topic")
                  .addDetails(
                      Any.pack(
                          ErrorInfo.newBuilder()
                              .setReason("TOPIC_NOT_FOUND")
                              .setDomain("kontiki")
                              .putMetadata("outcome", "definite")
                              .build()))
                  .build()));
    }
  }
}
