package io.kontiki.broker.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kontiki.broker.testing.DoorFixture;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.PartitionServiceGrpc;
import io.kontiki.runtime.memory.ParserFuzz;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.v1.AdminServiceGrpc;
import io.kontiki.v1.CreateTopicRequest;
import io.kontiki.v1.DeleteTopicRequest;
import io.kontiki.v1.DescribeTopicRequest;
import io.kontiki.v1.ListOffsetsRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Any bytes at the doors of a broker: an answer or a refusal, never a fault, and it goes on (P18).
 */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DoorFuzzTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 2_000);
  private static final Set<Integer> HTTP_ANSWERS = Set.of(200, 400, 404, 409, 415, 429, 501, 503);

  private final DoorFixture doors;

  DoorFuzzTest() throws IOException {
    doors = new DoorFixture();
    doors.metadata.topic("orders", 2, java.util.Map.of());
  }

  @AfterEach
  void close() {
    doors.close(); // fails if there was a fault
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static boolean isMessage(MethodDescriptor<?, ?> method, byte[] bytes) {
    try {
      method.parseRequest(new ByteArrayInputStream(bytes));
      return true;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private static List<MethodDescriptor<?, ?>> unaryMethods() {
    List<MethodDescriptor<?, ?>> methods = new ArrayList<>();
    for (ServiceDescriptor service :
        List.of(
            LogServiceGrpc.getServiceDescriptor(),
            PartitionServiceGrpc.getServiceDescriptor(),
            AdminServiceGrpc.getServiceDescriptor())) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        if (method.getType() == MethodDescriptor.MethodType.UNARY) {
          methods.add(method);
        }
      }
    }
    return methods;
  }

  private static List<byte[]> requests() {
    return List.of(
        ProduceRequest.newBuilder()
            .setTopic("orders")
            .setPartition(1)
            .addRecords(LogRecord.newBuilder().setValue(ByteString.copyFromUtf8("value")))
            .build()
            .toByteArray(),
        CreateTopicRequest.newBuilder()
            .setName("more")
            .setPartitions(2)
            .setReplicationFactor(1)
            .putConfig("retention.ms", "1000")
            .build()
            .toByteArray(),
        DescribeTopicRequest.newBuilder().setName("orders").build().toByteArray(),
        DeleteTopicRequest.newBuilder().setName("nothing").build().toByteArray(),
        ListOffsetsRequest.newBuilder().setTopic("orders").addPartitions(0).build().toByteArray(),
        AppendRequest.newBuilder()
            .setTopicId(ByteString.copyFrom(new byte[16]))
            .setPartition(0)
            .setCorrelationId(7)
            .build()
            .toByteArray());
  }

  @Test
  void anyBytesAtTheGrpcDoorAreAnsweredOrRefused() {
    List<MethodDescriptor<?, ?>> methods = unaryMethods();
    List<byte[]> good = requests();
    TreeMap<String, Integer> codes = new TreeMap<>();
    for (int seed = 0; seed < ROUNDS; seed++) {
      SeededRandom random = new SeededRandom(seed);
      MethodDescriptor<?, ?> method = methods.get(random.nextInt(methods.size()));
      byte[] bytes = ParserFuzz.mutated(good.get(random.nextInt(good.size())), random);
      String code = "OK";
      try {
        ClientCalls.blockingUnaryCall(
            doors.channel,
            method.toBuilder(new Bytes(), new Bytes()).build(),
            CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS),
            bytes);
      } catch (StatusRuntimeException e) {
        code = e.getStatus().getCode().name();
        // What is no message at all gRPC itself refuses, as UNKNOWN.
        if (isMessage(method, bytes)
            && (e.getStatus().getCode() == Status.Code.INTERNAL
                || e.getStatus().getCode() == Status.Code.UNKNOWN
                || e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED)) {
          throw new AssertionError("seed " + seed + " " + method.getFullMethodName(), e);
        }
      }
      codes.merge(code, 1, Integer::sum);
    }
    assertEquals(List.of(), doors.faults, codes.toString());
  }

  @Test
  void anyTextAtTheHttpDoorIsAnsweredOrRefused() throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    List<String> good =
        List.of(
            "{\"name\":\"more\",\"partitions\":2,\"replicationFactor\":1,\"config\":{\"a\":\"b\"}}",
            "{\"name\":\"orders\",\"minMetadataIndex\":\"0\"}",
            "{\"topic\":\"orders\",\"partitions\":[0,1],\"before\":{\"offset\":\"0\"}}",
            "[[[[{\"a\":1e999}]]]]");
    List<String> methods =
        AdminServiceGrpc.getServiceDescriptor().getMethods().stream()
            .map(method -> String.valueOf(method.getBareMethodName()))
            .toList();
    for (int seed = 0; seed < ROUNDS / 4; seed++) {
      SeededRandom random = new SeededRandom(seed);
      byte[] text = good.get(random.nextInt(good.size())).getBytes(StandardCharsets.UTF_8);
      String method = methods.get(random.nextInt(methods.size()));
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(
                      URI.create(
                          "http://127.0.0.1:"
                              + doors.http.port()
                              + "/kontiki.v1.AdminService/"
                              + method))
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofByteArray(ParserFuzz.mutated(text, random)))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (!HTTP_ANSWERS.contains(answer.statusCode())) {
        throw new AssertionError(
            "seed " + seed + " " + method + ": " + answer.statusCode() + " " + answer.body());
      }
    }
    assertEquals(List.of(), doors.faults);
  }
}
