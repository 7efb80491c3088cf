package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.google.protobuf.ByteString;
import com.sun.management.ThreadMXBean;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.kontiki.runtime.memory.SeededRandom;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class RaftFrameTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final RequestVoteRequest VOTE =
      RequestVoteRequest.newBuilder()
          .setGroupId("metadata")
          .setServerId("1")
          .setPeerId("2")
          .setTerm(9)
          .setLastLogTerm(8)
          .setLastLogIndex(1L << 40)
          .setPreVote(true)
          .setUnknownFields(
              com.google.protobuf.UnknownFieldSet.newBuilder()
                  .addField(
                      90,
                      com.google.protobuf.UnknownFieldSet.Field.newBuilder()
                          .addLengthDelimited(ByteString.copyFrom(new byte[100]))
                          .build())
                  .build())
          .build();

  private final MethodDescriptor<RaftFrame, RaftFrame> method;

  RaftFrameTest() {
    RaftMessages messages = new RaftMessages();
    messages.register(RequestVoteRequest.class.getName(), RequestVoteRequest.getDefaultInstance());
    method = RaftFrame.sessionMethod(messages);
  }

  private byte[] wire(RaftFrame frame) throws IOException {
    try (InputStream stream = method.streamRequest(frame)) {
      return stream.readAllBytes();
    }
  }

  @Test
  void whatIsSentComesBackAsItWas() throws IOException {
    for (RaftFrame frame :
        List.of(
            RaftFrame.request(1, VOTE),
            RaftFrame.response(-7, VOTE),
            RaftFrame.error(3, "no such group"))) {
      try (InputStream stream = new ByteArrayInputStream(wire(frame))) {
        assertEquals(frame, method.parseRequest(stream));
      }
    }
  }

  /** More rounds with {@code -Dkontiki.fuzz.rounds=N}. */
  @Test
  void bytesThatAreNoFrameNeverGiveAnythingButARefusal() throws IOException {
    byte[] request = wire(RaftFrame.request(1, VOTE));
    byte[] error = wire(RaftFrame.error(3, "no such group"));
    int refused = 0;
    int rounds = Integer.getInteger("kontiki.fuzz.rounds", 20_000);
    for (int seed = 0; seed < rounds; seed++) {
      SeededRandom random = new SeededRandom(seed);
      byte[] bytes = (random.oneIn(4) ? error : request).clone();
      if (random.oneIn(3)) {
        bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length));
      }
      for (int i = random.nextInt(5); i > 0 && bytes.length > 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextLong();
      }
      long before = THREADS.getCurrentThreadAllocatedBytes();
      try (InputStream stream = new ByteArrayInputStream(bytes)) {
        method.parseRequest(stream);
      } catch (StatusRuntimeException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
      long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
      assertTrue(allocated < (1 << 20) + 64L * bytes.length, "seed " + seed + ": " + allocated);
    }
    assertTrue(refused > rounds / 4, refused + " of " + rounds);
  }
}
