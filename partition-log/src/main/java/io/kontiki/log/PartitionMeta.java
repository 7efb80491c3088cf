package io.kontiki.log;

import io.kontiki.log.segment.SealedFile;
import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.FileStore;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a partition's directory says of itself.
 *
 * <p>File {@code partition.meta}, sealed as {@link SealedFile} with kind "KPAR":
 *
 * <pre>
 * offset size field
 *      0   16 topic id
 *     16    4 partition
 *     20    1 durability               1 fsync, 0 replicated
 *     21    2 bytes of the name
 *     23    … topic name, UTF-8
 * </pre>
 */
record PartitionMeta(PartitionId id, Durability durability, String topicName) {
  static final String FILE = "partition.meta";

  private static final SealedFile FORMAT = SealedFile.of("KPAR", 1, 1 << 16);

  /** The content of the file. */
  ByteBuffer encode() {
    byte[] name = topicName.getBytes(StandardCharsets.UTF_8);
    ByteBuffer payload = ByteBuffer.allocate(23 + name.length);
    payload.putLong(id.topicId().high()).putLong(id.topicId().low()).putInt(id.partition());
    payload.put((byte) (durability == Durability.FSYNC ? 1 : 0));
    payload.putShort((short) name.length).put(name);
    return FORMAT.seal(payload.flip());
  }

  /** Reads the file of a partition's directory, which must exist. */
  static PartitionMeta read(FileStore store, String directory) {
    return FORMAT.readExisting(store, directory + "/" + FILE, PartitionMeta::parse);
  }

  private static PartitionMeta parse(ByteBuffer payload) {
    PartitionId id = new PartitionId(TopicId.of(payload), payload.getInt());
    Durability durability = payload.get() == 1 ? Durability.FSYNC : Durability.REPLICATED;
    byte[] name = new byte[Short.toUnsignedInt(payload.getShort())];
    payload.get(name);
    return new PartitionMeta(id, durability, new String(name, StandardCharsets.UTF_8));
  }
}
