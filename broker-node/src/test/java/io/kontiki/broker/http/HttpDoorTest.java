package io.kontiki.broker.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.rpc.ErrorInfo;
import io.kontiki.broker.rpc.AdminCalls;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.broker.testing.DoorFixture;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HttpDoorTest {
  private final DoorFixture doors;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  HttpDoorTest() throws Exception {
    doors = new DoorFixture();
  }

  @AfterEach
  void close() {
    doors.close();
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + doors.http.port() + path));
  }

  private HttpResponse<String> send(HttpRequest request) throws Exception {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> call(String method, String json) throws Exception {
    return send(
        to("/kontiki.v1.AdminService/" + method)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json))
            .build());
  }

  private static JsonObject json(HttpResponse<String> response) {
    return JsonParser.parseString(response.body()).getAsJsonObject();
  }

  private static void refused(HttpResponse<String> response, int status, String code, String reason)
      throws Exception {
    assertEquals(status, response.statusCode(), response.body());
    assertEquals("application/json", response.headers().firstValue("Content-Type").orElseThrow());
    JsonObject error = json(response);
    assertEquals(code, error.get("code").getAsString());
    JsonObject detail = error.getAsJsonArray("details").get(0).getAsJsonObject();
    assertEquals("google.rpc.ErrorInfo", detail.get("type").getAsString());
    assertEquals(reason, detail.getAsJsonObject("debug").get("reason").getAsString());
    ErrorInfo info =
        ErrorInfo.parseFrom(Base64.getDecoder().decode(detail.get("value").getAsString()));
    assertEquals(reason, info.getReason());
    assertEquals("kontiki", info.getDomain());
  }

  @Test
  void aTopicIsCreatedListedDescribedAndDeleted() throws Exception {
    HttpResponse<String> created =
        call("CreateTopic", "{\"name\":\"orders\",\"partitions\":2,\"replication_factor\":1}");
    assertEquals(200, created.statusCode(), created.body());
    JsonObject topic = json(created).getAsJsonObject("topic");
    assertEquals("orders", topic.get("name").getAsString());
    assertTrue(json(created).get("metadataIndex").isJsonPrimitive());
    assertTrue(json(created).get("metadataIndex").getAsJsonPrimitive().isString(), "64 bit");
    assertEquals(0, json(created).getAsJsonArray("partitionsNotReady").size());
    JsonObject partition = topic.getAsJsonArray("partitions").get(0).getAsJsonObject();
    assertEquals(0, partition.get("partition").getAsInt(), "without presence: printed though 0");
    assertFalse(partition.has("startOffset"), "absent: not at all");
    JsonObject listed = json(call("ListTopics", "{}"));
    assertEquals("", listed.get("nextPageToken").getAsString());
    assertEquals(1, listed.getAsJsonArray("topics").size());
    JsonObject described =
        json(call("DescribeTopic", "{\"name\":\"orders\",\"minMetadataIndex\":\"0\"}"));
    assertEquals(
        "0",
        described
            .getAsJsonObject("topic")
            .getAsJsonArray("partitions")
            .get(1)
            .getAsJsonObject()
            .get("highWatermark")
            .getAsString());
    assertEquals(
        200,
        call("DeleteTopic", "{\"name\":\"orders\",\"topicId\":" + topic.get("topicId") + "}")
            .statusCode());
    refused(call("DescribeTopic", "{\"name\":\"orders\"}"), 404, "not_found", "TOPIC_NOT_FOUND");
  }

  @Test
  void theClusterIsDescribedInEveryUnaryCallOfTheTable() throws Exception {
    JsonObject cluster = json(call("DescribeCluster", "{}"));
    assertEquals(3, cluster.get("brokerCount").getAsInt());
    assertEquals(0, cluster.getAsJsonArray("problems").size());
    JsonObject brokers = json(call("ListBrokers", "{}"));
    assertEquals(
        "BROKER_STATE_ACTIVE",
        brokers.getAsJsonArray("brokers").get(0).getAsJsonObject().get("state").getAsString());
    JsonObject quorum = json(call("DescribeQuorum", "{}"));
    assertEquals(
        "0.005s",
        quorum
            .getAsJsonArray("groups")
            .get(0)
            .getAsJsonObject()
            .getAsJsonArray("members")
            .get(1)
            .getAsJsonObject()
            .get("lastContact")
            .getAsString());
    assertEquals(
        1, json(call("DescribeConfig", "{\"brokerId\":1}")).getAsJsonArray("entries").size());
    refused(call("AddQuorumVoter", "{\"nodeId\":9}"), 404, "not_found", "BROKER_NOT_FOUND");
    refused(call("RemoveQuorumVoter", "{\"nodeId\":9}"), 404, "not_found", "VOTER_NOT_FOUND");
    for (String streaming : AdminCalls.streamingMethods()) {
      refused(call(streaming, "{}"), 501, "unimplemented", "UNIMPLEMENTED");
    }
    assertEquals(404, call("MakeCoffee", "{}").statusCode());
  }

  @Test
  void everyCodeHasItsStatus() throws Exception {
    doors.metadata.topic("orders", 1, Map.of());
    refused(call("CreateTopic", "{\"name\":\"orders\"}"), 409, "already_exists", "TOPIC_EXISTS");
    refused(
        call("CreateTopic", "{\"name\":\"a\",\"replicationFactor\":9}"),
        400,
        "failed_precondition",
        "TOO_FEW_BROKERS");
    refused(
        call("CreateTopic", "{\"name\":\"a\",\"config\":{\"retention.ms\":\"x\"}}"),
        400,
        "invalid_argument",
        "INVALID_CONFIG");
    refused(call("DescribeConfig", "{\"brokerId\":2}"), 503, "unavailable", "BROKER_UNREACHABLE");
    doors.metadata.quorum(false);
    HttpResponse<String> late =
        send(
            to("/kontiki.v1.AdminService/ListTopics")
                .header("Content-Type", "application/json; charset=utf-8")
                .header("Connect-Timeout-Ms", "400")
                .header("Connect-Protocol-Version", "1")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build());
    refused(late, 503, "unavailable", "QUORUM_UNAVAILABLE");
    assertEquals("1", late.headers().firstValue("Retry-After").orElseThrow());
    doors.state.enter(ServiceState.Phase.STOPPING);
    refused(call("ListTopics", "{}"), 503, "unavailable", "BROKER_STOPPING");
  }

  @Test
  void whatIsNotARequestIsRefused() throws Exception {
    HttpResponse<String> unknown = call("CreateTopic", "{\"name\":\"a\",\"colour\":1}");
    refused(unknown, 400, "invalid_argument", "INVALID_FIELD");
    assertTrue(unknown.body().contains("google.rpc.BadRequest"), unknown.body());
    assertTrue(unknown.body().contains("\"field\":\"colour\""), unknown.body());
    refused(call("CreateTopic", "{\"name\":"), 400, "invalid_argument", "INVALID_FIELD");
    refused(call("CreateTopic", ""), 400, "invalid_argument", "INVALID_FIELD");
    refused(call("CreateTopic", "[]"), 400, "invalid_argument", "INVALID_FIELD");
    String deep = "{\"config\":".repeat(5000);
    refused(call("CreateTopic", deep), 400, "invalid_argument", "INVALID_FIELD");
    assertEquals(
        415,
        send(to("/kontiki.v1.AdminService/ListTopics")
                .header("Content-Type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build())
            .statusCode());
    assertEquals(
        415,
        send(to("/kontiki.v1.AdminService/ListTopics")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build())
            .statusCode());
    HttpResponse<String> timeout =
        send(
            to("/kontiki.v1.AdminService/ListTopics")
                .header("Content-Type", "application/json")
                .header("Connect-Timeout-Ms", "soon")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build());
    refused(timeout, 400, "invalid_argument", "INVALID_FIELD");
    HttpResponse<String> get = send(to("/kontiki.v1.AdminService/ListTopics").build());
    assertEquals(405, get.statusCode());
    assertEquals("POST", get.headers().firstValue("Allow").orElseThrow());
    assertEquals(404, send(to("/").build()).statusCode());
  }

  @Test
  void healthReadinessAndMetricsAnswer() throws Exception {
    assertEquals(200, send(to("/healthz").build()).statusCode());
    assertEquals(200, send(to("/readyz").build()).statusCode());
    doors.health.ready = false;
    HttpResponse<String> fenced = send(to("/readyz?x=1").build());
    assertEquals(503, fenced.statusCode());
    assertEquals("fenced\n", fenced.body());
    doors.metadata.topic("orders", 2, Map.of());
    doors.metrics.onAppended("orders", 3, 4711);
    HttpResponse<String> metrics = send(to("/metrics").build());
    assertEquals(200, metrics.statusCode());
    for (String line :
        new String[] {
          "kontiki_log_append_bytes_total{topic=\"orders\"} 4711.0",
          "kontiki_log_append_records_total{topic=\"orders\"} 3.0",
          "kontiki_broker_active 0.0",
          "kontiki_partition_leader 2.0",
          "kontiki_partition_under_replicated 0.0",
          "kontiki_raft_term{group=\"metadata\"} 3.0",
        }) {
      assertTrue(metrics.body().contains(line), line + " in\n" + metrics.body());
    }
    assertEquals(
        405, send(to("/metrics").POST(HttpRequest.BodyPublishers.noBody()).build()).statusCode());
  }

  @Test
  void aTopicThatIsGoneLeavesTheMetrics() throws Exception {
    var topic = doors.metadata.topic("orders", 1, Map.of());
    doors.metrics.onAppended("orders", 1, 1);
    assertTrue(send(to("/metrics").build()).body().contains("topic=\"orders\""));
    doors.metadata.apply(new io.kontiki.metadata.MetadataCommand.DeleteTopic(0, topic));
    org.awaitility.Awaitility.await()
        .until(() -> !doors.metrics.scrape().contains("topic=\"orders\""));
  }

  @Test
  void aBodyBeyondOneMebibyteIsRefusedBeforeItIsSent() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", doors.http.port())) {
      socket.setSoTimeout(10_000);
      String head =
          "POST /kontiki.v1.AdminService/CreateTopic HTTP/1.1\r\nHost: x\r\n"
              + "Content-Type: application/json\r\nContent-Length: 1048577\r\n\r\n";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      byte[] answer = socket.getInputStream().readNBytes(12);
      assertEquals("HTTP/1.1 413", new String(answer, StandardCharsets.US_ASCII));
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredOneAfterTheOther() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", doors.http.port())) {
      OutputStream out = socket.getOutputStream();
      String request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
      String last = "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
      out.write((request + request + last).getBytes(StandardCharsets.US_ASCII));
      out.flush();
      String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertEquals(3, all.split("HTTP/1.1 ", -1).length - 1, all);
      assertTrue(all.lastIndexOf("404") > all.lastIndexOf("200 OK"), all);
    }
  }

  @Test
  void aConnectionServesRequestAfterRequest() throws Exception {
    try (Socket socket = new Socket("127.0.0.1", doors.http.port())) {
      socket.setSoTimeout(5_000);
      for (int i = 0; i < 5; i++) {
        socket
            .getOutputStream()
            .write("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        StringBuilder head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
          int next = socket.getInputStream().read();
          assertTrue(next >= 0, "closed after " + head);
          head.append((char) next);
        }
        assertTrue(head.toString().startsWith("HTTP/1.1 200"), head.toString());
      }
    }
  }

  @Test
  void whatIsNotHttpIsClosed() throws IOException {
    try (Socket socket = new Socket("127.0.0.1", doors.http.port())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write("\0\1\2 not http at all\r\n\r\n".getBytes());
      InputStream in = socket.getInputStream();
      String all = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
      assertTrue(all.startsWith("HTTP/1.1 400"), all);
    }
  }
}
