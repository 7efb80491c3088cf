package io.kontiki.group;

import io.kontiki.group.codec.GroupAnswerCodec;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.codec.GroupsImageCodec;
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
 * A program: applies a file of entries of a shard's log, and writes to another for every entry what
 * was answered and the digest of the image, now and then that of a snapshot. The file has per entry
 * its length (4 bytes) and the entry.
 */
final class AppliedGroupsLog {
  private static final int SNAPSHOT_EVERY = 25;

  private AppliedGroupsLog() {}

  public static void main(String[] args) throws IOException {
    try (InputStream in = Files.newInputStream(Path.of(args[0]))) {
      Files.write(Path.of(args[1]), apply(in));
    }
  }

  /** Adds an entry to the file. */
  static void write(List<GroupCommand> commands, OutputStream out) throws IOException {
    byte[] entry = bytes(GroupCommandCodec.encode(commands));
    DataOutputStream data = new DataOutputStream(out);
    data.writeInt(entry.length);
    data.write(entry);
  }

  /** A line for every entry. */
  static List<String> apply(InputStream in) throws IOException {
    List<String> lines = new ArrayList<>();
    GroupMachine machine = new GroupMachine();
    DataInputStream data = new DataInputStream(in);
    for (long index = 1; ; index++) {
      int length;
      try {
        length = data.readInt();
      } catch (EOFException e) {
        return lines;
      }
      ByteBuffer entry = ByteBuffer.wrap(data.readNBytes(length));
      GroupMachine.Applied applied = machine.apply(GroupCommandCodec.decode(index, entry));
      String line =
          index
              + " answers "
              + sha256(bytes(GroupAnswerCodec.encode(applied.batch())))
              + " image "
              + GroupsImageCodec.digest(machine.image());
      lines.add(
          index % SNAPSHOT_EVERY == 0 ? line + " snapshot " + snapshot(index, machine) : line);
    }
  }

  private static String snapshot(long index, GroupMachine machine) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    GroupsImageCodec.write(new GroupsImageCodec.Snapshot(index, machine.image()), out);
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
