package io.kontiki.metadata;

import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.metadata.codec.CommandOutcomeCodec;
import io.kontiki.metadata.codec.CorruptMetadataException;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.metadata.codec.UnknownCommandException;
import io.kontiki.runtime.memory.ParserFuzz;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Commands, outcomes and snapshots of any bytes (rules M9, M11, M17). */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MetadataFuzzTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 20_000);

  private final List<byte[]> commands = new ArrayList<>();
  private final List<byte[]> outcomes = new ArrayList<>();
  private final List<byte[]> images = new ArrayList<>();

  MetadataFuzzTest() throws IOException {
    Random random = new Random(3);
    ClusterImage image = Cluster.formed(3).image();
    for (int i = 0; i < 200; i++) {
      MetadataCommand command = RandomCommands.next(image, random);
      ApplyResult result = MetadataMachine.apply(image, image.index() + 1, command);
      image = result.image();
      commands.add(bytes(MetadataCommandCodec.encode(command)));
      outcomes.add(bytes(CommandOutcomeCodec.encode(result.outcome())));
      if (i % 50 == 49) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ClusterImageCodec.write(image, out);
        images.add(out.toByteArray());
      }
    }
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private static boolean isRefusal(Exception e) {
    return e instanceof CorruptMetadataException || e instanceof UnknownCommandException;
  }

  @Test
  void aCommandOfAnyBytesIsReadOrRefusedAndAppliedWithoutAnException() {
    ClusterImage image = Cluster.formed(3).image();
    new ParserFuzz("command", commands, MetadataFuzzTest::isRefusal)
        .run(
            ROUNDS,
            bytes -> {
              MetadataCommand read = MetadataCommandCodec.decode(7, ByteBuffer.wrap(bytes));
              MetadataMachine.apply(image, image.index() + 1, read);
            });
  }

  @Test
  void anOutcomeOfAnyBytesIsReadOrRefused() {
    new ParserFuzz("outcome", outcomes, MetadataFuzzTest::isRefusal)
        .run(ROUNDS, bytes -> CommandOutcomeCodec.decode(ByteBuffer.wrap(bytes)));
  }

  @Test
  void aSnapshotOfAnyBytesIsReadOrRefused() {
    new ParserFuzz("image", images, e -> isRefusal(e) || e instanceof IOException)
        .run(ROUNDS / 4, bytes -> ClusterImageCodec.read(new ByteArrayInputStream(bytes)));
  }
}
