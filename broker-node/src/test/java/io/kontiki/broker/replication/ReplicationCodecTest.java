package io.kontiki.broker.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusRuntimeException;
import io.kontiki.internal.v1.HeldEnds;
import io.kontiki.internal.v1.PartitionPart;
import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.internal.v1.ReplicationHello;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import io.kontiki.proto.WithPayload;
import io.kontiki.replication.Lane;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Acks;
import io.kontiki.replication.ReplicationMessage.Answers;
import io.kontiki.replication.ReplicationMessage.Data;
import io.kontiki.replication.ReplicationMessage.HeldEnd;
import io.kontiki.replication.ReplicationMessage.Hello;
import io.kontiki.replication.ReplicationMessage.Lost;
import io.kontiki.replication.ReplicationMessage.LostRange;
import io.kontiki.replication.ReplicationMessage.Mend;
import io.kontiki.replication.ReplicationMessage.PartitionData;
import io.kontiki.replication.ReplicationMessage.PartitionMend;
import io.kontiki.replication.ReplicationMessage.Subscribe;
import io.kontiki.replication.ReplicationMessage.SubscribeRequest;
import io.kontiki.replication.ReplicationMessage.Unsubscribe;
import io.kontiki.replication.StreamId;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import io.kontiki.runtime.memory.SeededRandom;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReplicationCodecTest {
  @Test
  void whatAFollowerSaysComesBackAsItWas() {
    PartitionId id = new PartitionId(new TopicId(3, -4), 12);
    List<ReplicationMessage> messages =
        List.of(
            new Hello(new Uid(1, -2), 3, new StreamId(2, 1L << 40, Lane.CATCH_UP, 1, 9)),
            new Hello(new Uid(1, -2), 3, new StreamId(2, 77, Lane.LIVE, 0, 1)),
            new Subscribe(
                List.of(
                    new SubscribeRequest(5, id, 7, 1L << 50, -1),
                    new SubscribeRequest(6, id, 0, 0, 8))),
            new Unsubscribe(List.of(5L, 6L), false),
            new Unsubscribe(List.of(7L), true),
            new Acks(List.of(new HeldEnd(5, 0), new HeldEnd(6, 1L << 60))),
            new Lost(List.of(new LostRange(5, 0), new LostRange(6, 1L << 60))));
    for (ReplicationMessage message : messages) {
      assertEquals(message, RequestCodec.decode(RequestCodec.encode(message)));
    }
  }

  @Test
  void whatALeaderSaysComesBackAsItWasAlsoThroughTheMarshaller() throws IOException {
    List<SubscribeAnswer> answers = new ArrayList<>();
    answers.add(new SubscribeAnswer.Accepted(1, 10, 3));
    answers.add(new SubscribeAnswer.Diverging(2, -1, 0));
    answers.add(new SubscribeAnswer.Diverging(2, 4, 9));
    answers.add(new SubscribeAnswer.Behind(3, 100));
    for (Refusal refusal : Refusal.values()) {
      answers.add(new SubscribeAnswer.Refused(4, refusal));
    }
    assertEquals(List.of(new Answers(answers)), overTheWire(new Answers(answers)));

    Data data =
        new Data(
            List.of(
                new PartitionData(1, 5, 0, List.of(bytes(1, 2), bytes(3))),
                new PartitionData(2, 6, 1, List.of()),
                new PartitionData(3, 7, 2, List.of(bytes(4, 5, 6)))));
    Data expected =
        new Data(
            List.of(
                new PartitionData(1, 5, 0, List.of(bytes(1, 2, 3))),
                new PartitionData(2, 6, 1, List.of()),
                new PartitionData(3, 7, 2, List.of(bytes(4, 5, 6)))));
    assertEquals(List.of(expected), overTheWire(data));
    Mend mend =
        new Mend(
            List.of(new PartitionMend(1, List.of(bytes(7, 8))), new PartitionMend(2, List.of())));
    assertEquals(List.of(mend), overTheWire(mend));
  }

  private static List<ReplicationMessage> overTheWire(ReplicationMessage message)
      throws IOException {
    try (InputStream stream =
        ReplicationMethods.REPLICATE.streamResponse(ResponseCodec.encode(message))) {
      return ResponseCodec.decode(ReplicationMethods.REPLICATE.parseResponse(stream));
    }
  }

  private static ByteBuffer bytes(int... values) {
    ByteBuffer buffer = ByteBuffer.allocate(values.length);
    for (int value : values) {
      buffer.put((byte) value);
    }
    return buffer.flip();
  }

  @Test
  void nonsenseIsRefusedWithAReason() {
    assertThrows(
        IllegalArgumentException.class,
        () -> RequestCodec.decode(ReplicateRequest.getDefaultInstance()));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            RequestCodec.decode(
                ReplicateRequest.newBuilder().setHeld(HeldEnds.newBuilder().addIds(1)).build()));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            RequestCodec.decode(
                ReplicateRequest.newBuilder()
                    .setHello(ReplicationHello.getDefaultInstance())
                    .build()));
    assertThrows(
        IllegalArgumentException.class, () -> ResponseCodec.decode(response(4, bytes(1, 2, 3))));
    assertThrows(
        IllegalArgumentException.class, () -> ResponseCodec.decode(response(2, bytes(1, 2, 3))));
    assertThrows(
        IllegalArgumentException.class, () -> ResponseCodec.decode(response(-1, bytes(1))));
  }

  private static WithPayload<ReplicateResponse> response(int partBytes, ByteBuffer payload) {
    return WithPayload.of(
        ReplicateResponse.newBuilder()
            .addParts(PartitionPart.newBuilder().setBytes(partBytes))
            .build(),
        payload);
  }

  /** More rounds with {@code -Dkontiki.fuzz.rounds=N}. */
  @Test
  void bytesThatAreNoMessageNeverGiveAnythingButARefusal() throws IOException {
    Data data =
        new Data(
            List.of(
                new PartitionData(1, 5, 0, List.of(bytes(1, 2, 3))),
                new PartitionData(2, 6, 1, List.of(bytes(4)))));
    PartitionId id = new PartitionId(new TopicId(3, -4), 12);
    List<byte[]> requests =
        List.of(
            RequestCodec.encode(new Hello(new Uid(1, -2), 3, new StreamId(2, 7, Lane.LIVE, 0, 1)))
                .toByteArray(),
            RequestCodec.encode(new Subscribe(List.of(new SubscribeRequest(5, id, 7, 1, -1))))
                .toByteArray(),
            RequestCodec.encode(new Acks(List.of(new HeldEnd(5, 0), new HeldEnd(6, 1L << 60))))
                .toByteArray());
    List<byte[]> responses =
        List.of(
            wire(data),
            wire(new Answers(List.of(new SubscribeAnswer.Refused(4, Refusal.FAR_BEHIND)))),
            wire(new Answers(List.of(new SubscribeAnswer.Diverging(2, -1, 0)))));
    int refused = 0;
    int rounds = Integer.getInteger("kontiki.fuzz.rounds", 20_000);
    for (int seed = 0; seed < rounds; seed++) {
      SeededRandom random = new SeededRandom(seed);
      try {
        RequestCodec.decode(ReplicateRequest.parseFrom(mutated(requests, random)));
      } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError("request, seed " + seed, e);
      }
      try (InputStream stream = new ByteArrayInputStream(mutated(responses, random))) {
        ResponseCodec.decode(ReplicationMethods.REPLICATE.parseResponse(stream));
      } catch (IllegalArgumentException | StatusRuntimeException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError("response, seed " + seed, e);
      }
    }
    assertTrue(refused > rounds / 4, refused + " of " + 2 * rounds);
  }

  private static byte[] wire(ReplicationMessage message) throws IOException {
    try (InputStream stream =
        ReplicationMethods.REPLICATE.streamResponse(ResponseCodec.encode(message))) {
      return stream.readAllBytes();
    }
  }

  private static byte[] mutated(List<byte[]> good, SeededRandom random) {
    byte[] bytes = good.get(random.nextInt(good.size())).clone();
    if (random.oneIn(4)) {
      bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length));
    }
    for (int i = random.nextInt(4); i > 0 && bytes.length > 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextLong();
    }
    return bytes;
  }
}
