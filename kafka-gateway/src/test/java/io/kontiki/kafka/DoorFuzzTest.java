package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Errors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests that nobody would send: the broker closes the connection, or answers, and lives. */
class DoorFuzzTest {
  @TempDir static Path dir;
  private static RealNodes nodes;

  @BeforeAll
  static void start() {
    nodes =
        new RealNodes(
            dir, 1, "connections.max=60", "request.memory.bytes=8m", "handshake.timeout.ms=1500");
  }

  @AfterAll
  static void stop() {
    nodes.close(); // fails if an invariant broke
  }

  private static ApiVersionsResponseData versions(RawClient client) throws IOException {
    return client.call(
        ApiKeys.API_VERSIONS, 0, new ApiVersionsRequestData(), ApiVersionsResponseData.class);
  }

  @Test
  void garbledRequestsOfEveryApiAndVersionDisturbNobody() throws IOException {
    long seed = 20261121;
    Random random = new Random(seed);
    try (RawClient witness = new RawClient(nodes.kafka(1))) {
      List<ApiVersion> served = new ArrayList<>(versions(witness).apiKeys());
      for (int round = 0; round < 3000; round++) {
        ApiVersion api = served.get(random.nextInt(served.size()));
        short version =
            (short) (api.minVersion() + random.nextInt(api.maxVersion() - api.minVersion() + 1));
        ApiKeys key = ApiKeys.forId(api.apiKey());
        byte[] frame;
        try {
          ApiMessage body = key.messageType.newRequest();
          frame = RawClient.frame(key, version, round, body);
        } catch (RuntimeException e) {
          frame = new byte[40]; // some defaults cannot be written
          ByteBuffer.wrap(frame).putShort(key.id).putShort(version).putInt(round);
        }
        byte[] longer = java.util.Arrays.copyOf(frame, frame.length + random.nextInt(60));
        int changes = random.nextInt(6);
        for (int c = 0; c < changes; c++) {
          int at = 8 + random.nextInt(longer.length - 8);
          longer[at] = (byte) (random.nextBoolean() ? 0x7f : random.nextInt());
        }
        try (RawClient client = new RawClient(nodes.kafka(1))) {
          ByteBuffer all = ByteBuffer.allocate(4 + longer.length);
          all.putInt(longer.length).put(longer);
          client.write(all.array());
        }
        if (round % 200 == 0) {
          assertEquals(Errors.NONE.code(), versions(witness).errorCode(), "seed " + seed);
        }
      }
      assertEquals(Errors.NONE.code(), versions(witness).errorCode());
    }
  }

  @Test
  void anArrayThatClaimsMoreThanTheFrameHoldsTakesNoMemory() throws IOException {
    for (int count : new int[] {Integer.MAX_VALUE, 100_000_000, 1 << 20, -7}) {
      try (RawClient client = new RawClient(nodes.kafka(1))) {
        ByteBuffer request = ByteBuffer.allocate(2 << 20);
        request.putInt(request.capacity() - 4);
        request.putShort(ApiKeys.METADATA.id).putShort((short) 1).putInt(1).putShort((short) -1);
        request.putInt(count);
        client.write(request.array());
        assertTrue(client.closed(), count + " topics");
      }
    }
  }

  @Test
  void whoSendsNothingOrStopsInTheMiddleIsClosedAndHoldsNoMemory() throws IOException {
    List<RawClient> idle = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      RawClient client = new RawClient(nodes.kafka(1));
      client.writeInt(16 << 20); // more than the broker has, all together
      client.write(new byte[i]);
      idle.add(client);
    }
    try (RawClient witness = new RawClient(nodes.kafka(1))) {
      assertEquals(Errors.NONE.code(), versions(witness).errorCode());
    }
    for (RawClient client : idle) {
      assertTrue(client.closed());
      client.close();
    }
  }

  @Test
  void oneConnectionTooManyIsClosedAtOnce() throws IOException {
    List<Socket> many = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      many.add(new Socket(nodes.kafka(1).host(), nodes.kafka(1).port()));
    }
    int refused = 0;
    for (Socket socket : many) {
      socket.setSoTimeout(100);
      try {
        refused += socket.getInputStream().read() < 0 ? 1 : 0;
      } catch (java.net.SocketTimeoutException e) {
        // open
      } catch (java.net.SocketException e) {
        refused++;
      }
    }
    for (Socket socket : many) {
      socket.close();
    }
    assertTrue(refused >= 30, refused + " were refused");
  }

  @Test
  void requestsThatComeBeforeAnswersAreAnsweredInTheirOrder() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      List<Integer> ids = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        ids.add(client.send(ApiKeys.API_VERSIONS, 0, new ApiVersionsRequestData()));
      }
      for (int id : ids) {
        client.read(ApiKeys.API_VERSIONS, 0, id, ApiVersionsResponseData.class);
      }
    }
  }
}
