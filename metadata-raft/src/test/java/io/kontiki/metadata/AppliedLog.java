package io.kontiki.metadata;

import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.metadata.codec.CommandOutcomeCodec;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * A program: applies a file of commands, and writes to another for every entry what came of it and
 * the digest of the image, now and then that of a snapshot. The file of commands has per entry its
 * index (8 bytes), the length of its command (4) and the command.
 */
final class AppliedLog {
  private static final int SNAPSHOT_EVERY = 50;

  private AppliedLog() {}

  public static void main(String[] args) throws IOException {
    try (InputStream in = Files.newInputStream(Path.of(args[0]))) {
      Files.write(Path.of(args[1]), apply(Cluster.formed(3).image(), in));
    }
  }

  /** Adds an entry to the file. */
  static void write(long index, MetadataCommand command, OutputStream out) throws IOException {
    ByteBuffer encoded = MetadataCommandCodec.encode(command);
    byte[] bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    DataOutputStream data = new DataOutputStream(out);
    data.writeLong(index);
    data.writeInt(bytes.length);
    data.write(bytes);
  }

  /** A line for every entry. */
  static List<String> apply(ClusterImage start, InputStream in) throws IOException {
    List<String> lines = new ArrayList<>();
    ClusterImage image = start;
    DataInputStream data = new DataInputStream(in);
    while (true) {
      long index;
      try {
        index = data.readLong();
      } catch (EOFException e) {
        return lines;
      }
      ByteBuffer command = ByteBuffer.wrap(data.readNBytes(data.readInt()));
      ApplyResult result =
          MetadataMachine.apply(image, index, MetadataCommandCodec.decode(index, command));
      image = result.image();
      String line =
          index
              + " outcome "
              + sha256(bytes(CommandOutcomeCodec.encode(result.outcome())))
              + " image "
              + ClusterImageCodec.digest(image);
      lines.add(index % SNAPSHOT_EVERY == 0 ? line + " snapshot " + snapshot(image) : line);
    }
  }

  private static String snapshot(ClusterImage image) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ClusterImageCodec.write(image, out);
    return sha256(out.toByteArray());
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
