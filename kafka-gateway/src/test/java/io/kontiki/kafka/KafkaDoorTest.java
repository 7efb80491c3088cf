package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Frames and versions, byte by byte, at a broker that runs. */
class KafkaDoorTest {
  @TempDir static Path dir;
  private static RealNodes nodes;

  @BeforeAll
  static void start() {
    nodes = new RealNodes(dir, 1);
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  @Test
  void whatIsServedIsToldInEveryVersion() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      for (short version : ApiKeys.API_VERSIONS.allVersions()) {
        ApiVersionsResponseData told =
            client.call(
                ApiKeys.API_VERSIONS,
                version,
                new ApiVersionsRequestData()
                    .setClientSoftwareName("test")
                    .setClientSoftwareVersion("1"),
                ApiVersionsResponseData.class);
        assertEquals(Errors.NONE.code(), told.errorCode());
        assertEquals(4, told.apiKeys().find(ApiKeys.API_VERSIONS.id).maxVersion());
      }
    }
  }

  @Test
  void whoAsksForTheVersionsInAVersionOfTomorrowIsToldThoseOfToday() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      ByteBuffer request = ByteBuffer.allocate(40);
      request.putInt(36).putShort(ApiKeys.API_VERSIONS.id).putShort((short) 9).putInt(77);
      client.write(request.array());
      ByteBufferAccessor answer = new ByteBufferAccessor(client.read());
      assertEquals(77, answer.readInt());
      ApiVersionsResponseData told = new ApiVersionsResponseData();
      told.read(answer, (short) 0);
      assertEquals(Errors.UNSUPPORTED_VERSION.code(), told.errorCode());
      assertEquals(4, told.apiKeys().find(ApiKeys.API_VERSIONS.id).maxVersion());
      assertEquals(0, answer.remaining());
    }
  }

  @Test
  void whatIsNotServedEndsTheConnection() throws IOException {
    for (int key : new int[] {-1, 4, 18 + 256, 999}) {
      try (RawClient client = new RawClient(nodes.kafka(1))) {
        ByteBuffer request = ByteBuffer.allocate(16);
        request.putInt(12).putShort((short) key).putShort((short) 0).putInt(1);
        client.write(request.array());
        assertTrue(client.closed(), "API key " + key);
      }
    }
  }

  @Test
  void aFrameThatIsTooLongOrTooShortEndsTheConnection() throws IOException {
    for (int length : new int[] {-1, 0, 7, Integer.MAX_VALUE, (16 << 20) + 1, 0x47455420}) {
      try (RawClient client = new RawClient(nodes.kafka(1))) {
        client.writeInt(length);
        assertTrue(client.closed(), "length " + length);
      }
    }
  }
}
