package io.kontiki.proto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.LeaderHint;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PayloadMarshallerTest {
  private static final int LIMIT = 4 << 20;

  private final PayloadMarshaller<FetchResponse> marshaller = marshaller(LIMIT);

  @Test
  void whatIsWrittenAndReadEqualsOrdinaryProtobufBothWays() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      String where = "seed " + seed + " round " + round;
      byte[] payload = new byte[size(random)];
      random.nextBytes(payload);
      FetchResponse bare = message(random);
      byte[] ordinary =
          bare.toBuilder().setRecords(ByteString.copyFrom(payload)).build().toByteArray();

      WithPayload<FetchResponse> out = new WithPayload<>(bare, buffers(payload, random));
      byte[] drained = drained(marshaller.stream(out));
      if (bare.getUnknownFields().asMap().isEmpty()) {
        assertArrayEquals(ordinary, drained, where);
      } else { // protobuf puts unknown fields behind the payload
        assertEquals(FetchResponse.parseFrom(ordinary), FetchResponse.parseFrom(drained), where);
      }
      assertArrayEquals(drained, marshaller.stream(out).readAllBytes(), where);
      assertEquals(ordinary.length, marshaller.stream(out).available(), where);

      WithPayload<FetchResponse> in = marshaller.parse(input(ordinary, random));
      assertEquals(bare, in.message(), where);
      assertEquals(ByteBuffer.wrap(payload), in.joined(), where);
      assertEquals(payload.length == 0 ? 0 : 1, in.payload().size(), where);
      for (ByteBuffer buffer : in.payload()) {
        int kept = buffer.array().length;
        assertTrue(kept <= payload.length + payload.length / 16, where + ": keeps " + kept);
      }
    }
  }

  @Test
  void aPayloadThatDoesNotStandLastAndOneThatIsRepeatedAreReadAsProtobufReadsThem()
      throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    FetchResponse.newBuilder().setRecords(ByteString.copyFromUtf8("old")).build().writeTo(bytes);
    FetchResponse.newBuilder().setFetchId(7).build().writeTo(bytes);
    FetchResponse.newBuilder().setRecords(ByteString.copyFromUtf8("new")).build().writeTo(bytes);
    FetchResponse.newBuilder().setEnded(true).build().writeTo(bytes);

    WithPayload<FetchResponse> in = marshaller.parse(new ByteArrayInputStream(bytes.toByteArray()));

    FetchResponse expected = FetchResponse.parseFrom(bytes.toByteArray());
    assertEquals(expected.getRecords().asReadOnlyByteBuffer(), in.joined());
    assertEquals(expected.toBuilder().clearRecords().build(), in.message());
  }

  @Test
  void fieldsOnBothSidesOfThePayloadAreReadInAnyOrder() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (int part = random.nextInt(8); part > 0; part--) {
        FetchResponse.Builder one = FetchResponse.newBuilder();
        switch (random.nextInt(4)) {
          case 0 -> one.setFetchId(random.nextInt(1000));
          case 1 -> one.setHighWatermark(random.nextInt(1000));
          case 2 -> one.setLeader(LeaderHint.newBuilder().setBrokerId(random.nextInt(9)));
          default -> one.setRecords(ByteString.copyFrom(new byte[random.nextInt(400)]));
        }
        one.build().writeTo(bytes);
      }
      String where = "seed " + seed + " round " + round;
      FetchResponse expected = FetchResponse.parseFrom(bytes.toByteArray());
      WithPayload<FetchResponse> in = marshaller.parse(input(bytes.toByteArray(), random));
      assertEquals(expected.toBuilder().clearRecords().build(), in.message(), where);
      assertEquals(expected.getRecords().asReadOnlyByteBuffer(), in.joined(), where);
    }
  }

  @Test
  void sendingLeavesTheBuffersAsTheyWere() throws IOException {
    ByteBuffer payload = ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}).position(1).limit(4);
    WithPayload<FetchResponse> out =
        WithPayload.of(FetchResponse.newBuilder().setFetchId(1).build(), payload);
    byte[] first = drained(marshaller.stream(out));
    byte[] second = drained(marshaller.stream(out));
    assertArrayEquals(first, second);
    assertEquals(1, payload.position());
    assertEquals(4, payload.limit());
  }

  @Test
  void aMessageOverTheLimitIsRefusedBeforeMemoryIsTaken() {
    byte[] claimsTwoGigabytes = {0x7a, -1, -1, -1, -1, 7, 0};
    assertEquals(
        Status.Code.RESOURCE_EXHAUSTED,
        refusal(marshaller, new ByteArrayInputStream(claimsTwoGigabytes)));
    byte[] exact =
        FetchResponse.newBuilder()
            .setRecords(ByteString.copyFrom(new byte[100]))
            .build()
            .toByteArray();
    assertEquals(100, marshaller(exact.length).parse(input(exact)).payloadBytes());
    assertEquals(
        Status.Code.RESOURCE_EXHAUSTED, refusal(marshaller(exact.length - 1), input(exact)));
  }

  @Test
  void everyTruncatedMessageIsRefusedOrReadAsProtobufReadsIt() {
    byte[] whole =
        message(new Random(1)).toBuilder()
            .setRecords(ByteString.copyFrom(new byte[300]))
            .build()
            .toByteArray();
    for (int length = 0; length < whole.length; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      FetchResponse expected;
      try {
        expected = FetchResponse.parseFrom(part);
      } catch (IOException e) {
        assertEquals(Status.Code.INTERNAL, refusal(marshaller, input(part)), "length " + length);
        assertEquals(
            Status.Code.INTERNAL,
            refusal(marshaller, new ByteArrayInputStream(part)),
            "length " + length);
        continue;
      }
      assertEquals(expected, marshaller.parse(input(part)).message(), "length " + length);
    }
  }

  @Test
  void bytesThatAreNoMessageNeverGiveAnythingButARefusal() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < Integer.getInteger("kontiki.fuzz.rounds", 20_000); round++) {
      byte[] bytes = new byte[random.nextInt(60)];
      random.nextBytes(bytes);
      String where = "seed " + seed + " round " + round + " " + Arrays.toString(bytes);
      FetchResponse expected = null;
      try {
        expected = FetchResponse.parseFrom(bytes);
      } catch (IOException e) {
        // then ours must refuse, too
      }
      try {
        WithPayload<FetchResponse> in = marshaller.parse(input(bytes, random));
        assertTrue(expected != null, where);
        assertEquals(expected.toBuilder().clearRecords().build(), in.message(), where);
      } catch (StatusRuntimeException e) {
        // groups, which proto3 has not, are refused by us and skipped by protobuf
      }
    }
  }

  private static PayloadMarshaller<FetchResponse> marshaller(int maxBytes) {
    return new PayloadMarshaller<>(FetchResponse.getDefaultInstance(), maxBytes);
  }

  private static Status.Code refusal(PayloadMarshaller<FetchResponse> marshaller, InputStream in) {
    return assertThrows(StatusRuntimeException.class, () -> marshaller.parse(in))
        .getStatus()
        .getCode();
  }

  private static FetchResponse message(Random random) {
    FetchResponse.Builder message = FetchResponse.newBuilder();
    if (random.nextBoolean()) {
      message.setFetchId(random.nextInt()).setNextOffset(random.nextLong());
    }
    if (random.nextBoolean()) {
      message.setHighWatermark(random.nextInt(1000)).setEnded(random.nextBoolean());
    }
    if (random.nextInt(4) == 0) {
      message.setLeader(
          LeaderHint.newBuilder().setBrokerId(3).setGrpcAddress("x".repeat(random.nextInt(300))));
    }
    if (random.nextInt(4) == 0) {
      // of a newer peer
      message.setUnknownFields(
          UnknownFieldSet.newBuilder()
              .addField(
                  14,
                  UnknownFieldSet.Field.newBuilder()
                      .addVarint(random.nextLong())
                      .addFixed32(random.nextInt())
                      .addFixed64(random.nextLong())
                      .build())
              .build());
    }
    return message.build();
  }

  private static int size(Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> random.nextInt(200);
      case 2 -> random.nextInt(20_000);
      default -> random.nextInt(100_000);
    };
  }

  /** The bytes cut into heap, direct and read-only buffers, some of them empty. */
  private static List<ByteBuffer> buffers(byte[] payload, Random random) {
    List<ByteBuffer> buffers = new ArrayList<>();
    int from = 0;
    while (from < payload.length) {
      int length = Math.min(payload.length - from, random.nextInt(50_000));
      ByteBuffer heap = ByteBuffer.wrap(payload, from, length);
      buffers.add(
          switch (random.nextInt(3)) {
            case 0 -> heap;
            case 1 -> heap.slice().asReadOnlyBuffer();
            default -> ByteBuffer.allocateDirect(length).put(heap).flip();
          });
      from += length;
    }
    return buffers;
  }

  private static byte[] drained(InputStream stream) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int bytes = ((Drainable) stream).drainTo(out);
    assertEquals(bytes, out.size());
    assertEquals(0, stream.available());
    return out.toByteArray();
  }

  private static InputStream input(byte[] bytes, Random random) {
    return random.nextBoolean() ? input(bytes) : new ByteArrayInputStream(bytes);
  }

  private static InputStream input(byte[] bytes) {
    return new KnownLengthInput(bytes);
  }

  /** As gRPC gives it: the number of bytes left is known. */
  private static final class KnownLengthInput extends ByteArrayInputStream implements KnownLength {
    KnownLengthInput(byte[] bytes) {
      super(bytes);
    }
  }
}
