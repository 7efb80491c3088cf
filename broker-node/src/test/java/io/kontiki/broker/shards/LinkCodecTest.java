package io.kontiki.broker.shards;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.kontiki.broker.coordinator.LinkEvent;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.group.GroupCommand;
import io.kontiki.internal.v1.GroupCommandRecord;
import io.kontiki.internal.v1.LinkChanged;
import io.kontiki.internal.v1.LinkLoss;
import io.kontiki.internal.v1.LinkOffsets;
import io.kontiki.internal.v1.LinkResponse;
import io.kontiki.internal.v1.LinkSubmit;
import io.kontiki.internal.v1.PartitionKey;
import io.kontiki.model.PartitionId;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class LinkCodecTest {
  private static final int ROUNDS = 3_000;

  /** Objects around an element of two bytes, and what decoding takes of any message. */
  private static final long BYTES_PER_BYTE = 400;

  private static final long BYTES_ANYWAY = 64 << 10;

  @Test
  void everyRequestIsReadAsItWasWritten() throws InvalidProtocolBufferException {
    TreeSet<String> kinds = new TreeSet<>();
    for (long seed = 0; seed < ROUNDS; seed++) {
      LinkRequest request = new RandomWords(new Random(seed)).request();
      kinds.add(request.getClass().getSimpleName());
      byte[] bytes = LinkCodec.message(request).toByteArray();
      assertEquals(request, request(bytes), "seed " + seed);
    }
    assertEquals(LinkRequest.class.getPermittedSubclasses().length, kinds.size(), kinds.toString());
  }

  @Test
  void everyCommandTravels() throws InvalidProtocolBufferException {
    TreeSet<String> kinds = new TreeSet<>();
    for (long seed = 0; seed < ROUNDS; seed++) {
      GroupCommand command = new RandomWords(new Random(seed)).command();
      kinds.add(command.getClass().getSimpleName());
      LinkRequest.Submit submit = new LinkRequest.Submit(seed, List.of(command));
      assertEquals(submit, request(LinkCodec.message(submit).toByteArray()), "seed " + seed);
    }
    // A join goes in a message of its own.
    assertEquals(GroupCommand.class.getPermittedSubclasses().length - 1, kinds.size());
  }

  @Test
  void everyEventIsReadAsItWasWritten() throws InvalidProtocolBufferException {
    TreeSet<String> kinds = new TreeSet<>();
    for (long seed = 0; seed < ROUNDS; seed++) {
      LinkEvent event = new RandomWords(new Random(seed)).event();
      kinds.add(
          event instanceof LinkEvent.Answer answer
              ? answer.reply().getClass().getSimpleName()
              : event.getClass().getSimpleName());
      byte[] bytes = LinkCodec.message(event).toByteArray();
      assertEquals(event, event(bytes), "seed " + seed);
    }
    assertEquals(
        LinkEvent.class.getPermittedSubclasses().length
            - 1
            + Reply.class.getPermittedSubclasses().length,
        kinds.size(),
        kinds.toString());
  }

  @Test
  void whateverComesIsReadOrRefusedWithinABoundOfItsLength() {
    Heap heap = new Heap();
    for (int i = 0; i < 200; i++) { // classes that are loaded first count for nothing
      tryBoth(mutated(new Random(i)));
    }
    for (long seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      byte[] bytes = random.nextInt(5) == 0 ? noise(random) : mutated(random);
      long before = heap.allocated();
      tryBoth(bytes);
      long taken = heap.allocated() - before;
      assertTrue(
          taken <= BYTES_ANYWAY + BYTES_PER_BYTE * bytes.length,
          "seed " + seed + ": " + taken + " bytes for " + bytes.length);
    }
  }

  @Test
  void aBadValueIsNamedWithItsPlace() {
    GroupCommandRecord good =
        GroupCommandRecord.newBuilder()
            .setGroup("g")
            .setDeleteGroup(io.kontiki.internal.v1.DeleteGroupCommand.getDefaultInstance())
            .build();
    assertEquals(
        "submit.commands[1]: ",
        place(
            () ->
                LinkCodec.request(
                    io.kontiki.internal.v1.LinkRequest.newBuilder()
                        .setSubmit(
                            LinkSubmit.newBuilder()
                                .addCommands(good)
                                .addCommands(GroupCommandRecord.getDefaultInstance()))
                        .build())));
    PartitionKey broken = PartitionKey.newBuilder().setTopicId(ByteString.EMPTY).build();
    assertEquals(
        "offsets.partitions[0]: ",
        place(
            () ->
                LinkCodec.request(
                    io.kontiki.internal.v1.LinkRequest.newBuilder()
                        .setOffsets(LinkOffsets.newBuilder().addPartitions(broken))
                        .build())));
    RandomWords words = new RandomWords(new Random(1));
    assertEquals(
        "changed.lost[0]: ",
        place(
            () ->
                LinkCodec.event(
                    LinkResponse.newBuilder()
                        .setChanged(
                            LinkChanged.newBuilder()
                                .setMember(words.memberRecord())
                                .addLost(LinkLoss.newBuilder().setPartition(broken)))
                        .build())));
    assertEquals(
        "request_not_set: ",
        place(() -> LinkCodec.request(io.kontiki.internal.v1.LinkRequest.getDefaultInstance())));
  }

  private static String place(org.junit.jupiter.api.function.Executable decoding) {
    String message = assertThrows(BadLinkMessageException.class, decoding).getMessage();
    return message.substring(0, message.indexOf(": ") + 2);
  }

  @Test
  void partitionsOfARequestKeepTheirOrder() throws InvalidProtocolBufferException {
    TreeSet<PartitionId> all = new RandomWords(new Random(2)).partitions(100);
    LinkRequest.Offsets read =
        (LinkRequest.Offsets)
            request(LinkCodec.message(new LinkRequest.Offsets(1, "g", all)).toByteArray());
    assertEquals(all, read.partitions());
  }

  private static LinkRequest request(byte[] bytes) throws InvalidProtocolBufferException {
    return LinkCodec.request(io.kontiki.internal.v1.LinkRequest.parseFrom(bytes));
  }

  private static LinkEvent event(byte[] bytes) throws InvalidProtocolBufferException {
    return LinkCodec.event(LinkResponse.parseFrom(bytes));
  }

  /** Anything but these two failures is a bug. */
  private static void tryBoth(byte[] bytes) {
    try {
      request(bytes);
    } catch (InvalidProtocolBufferException | BadLinkMessageException expected) {
      assertTrue(expected.getMessage() != null);
    }
    try {
      event(bytes);
    } catch (InvalidProtocolBufferException | BadLinkMessageException expected) {
      assertTrue(expected.getMessage() != null);
    }
  }

  private static byte[] noise(Random random) {
    byte[] bytes = new byte[random.nextInt(300)];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] mutated(Random random) {
    RandomWords words = new RandomWords(random);
    byte[] bytes =
        random.nextBoolean()
            ? LinkCodec.message(words.request()).toByteArray()
            : LinkCodec.message(words.event()).toByteArray();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes && bytes.length > 0; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> bytes = Arrays.copyOf(bytes, at);
        default -> { // a length or a number that is as large as can be
          for (int j = at; j < Math.min(bytes.length, at + 4); j++) {
            bytes[j] = (byte) 0xff;
          }
        }
      }
    }
    return bytes;
  }

  /** What this thread has allocated. */
  private static final class Heap {
    private final com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    long allocated() {
      return threads.getCurrentThreadAllocatedBytes();
    }
  }
}
