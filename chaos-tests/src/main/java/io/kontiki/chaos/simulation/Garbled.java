package io.kontiki.chaos.simulation;

import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Data;
import io.kontiki.replication.ReplicationMessage.PartitionData;
import io.kontiki.runtime.memory.SeededRandom;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** What can become of data between a leader's log and a follower's (rule R30). */
final class Garbled {
  private Garbled() {}

  /** What arrives of it. */
  static List<ReplicationMessage> of(Data data, SeededRandom random) {
    return switch (random.nextInt(3)) {
      case 0 -> List.of();
      case 1 -> List.of(data, data);
      default -> List.of(flipped(data, random));
    };
  }

  /** One bit of the last record of each batch run is wrong. */
  private static Data flipped(Data data, SeededRandom random) {
    List<PartitionData> parts = new ArrayList<>();
    for (PartitionData part : data.parts()) {
      List<ByteBuffer> batches = new ArrayList<>();
      for (ByteBuffer batch : part.batches()) {
        ByteBuffer copy = ByteBuffer.allocate(batch.remaining()).put(batch.duplicate()).flip();
        int at = copy.limit() - 1;
        copy.put(at, (byte) (copy.get(at) ^ (1 << random.nextInt(8))));
        batches.add(copy);
      }
      parts.add(
          new PartitionData(
              part.subscription(), part.highWatermark(), part.logStartOffset(), batches));
    }
    return new Data(parts);
  }
}
