package io.kontiki.metadata.codec;

import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The frame of a snapshot, of whatever state machine: magic, version, then messages, each behind
 * its length (4 bytes, big-endian). What is no such frame: IllegalArgumentException.
 */
public final class SnapshotFrames {
  private SnapshotFrames() {}

  /** Writes a snapshot. */
  @FunctionalInterface
  public interface Writer {
    /** Does not close the stream. */
    void writeTo(OutputStream out) throws IOException;
  }

  /** Writes magic and version; what follows goes to the result. */
  public static DataOutputStream begin(OutputStream out, int magic, int version)
      throws IOException {
    DataOutputStream data = new DataOutputStream(out);
    data.writeInt(magic);
    data.writeInt(version);
    return data;
  }

  /** Writes a message behind its length. */
  public static void put(DataOutputStream out, MessageLite message) throws IOException {
    out.writeInt(message.getSerializedSize());
    message.writeTo(out);
  }

  /** Reads magic and version; what follows comes from the result. */
  public static DataInputStream open(InputStream in, int magic, int version) throws IOException {
    DataInputStream data = new DataInputStream(in);
    int readMagic = data.readInt();
    if (readMagic != magic) {
      throw new IllegalArgumentException("it begins with " + Integer.toHexString(readMagic));
    }
    int readVersion = data.readInt();
    if (readVersion != version) {
      throw new IllegalArgumentException(
          "version " + readVersion + "; this software reads version " + version);
    }
    return data;
  }

  /**
   * Reads a message behind its length.
   *
   * @param what is read, for the message that it ends early
   */
  public static <M extends MessageLite> M next(Parser<M> parser, DataInputStream in, String what)
      throws IOException {
    int size = in.readInt();
    if (size < 0) {
      throw new IllegalArgumentException("a part of " + size + " bytes");
    }
    // Whole or not at all: protobuf takes a message that was cut between two fields for a good one.
    byte[] bytes = in.readNBytes(size);
    if (bytes.length < size) {
      throw new EOFException(what + " ends early");
    }
    return parser.parseFrom(bytes);
  }

  /** Nothing may follow what was read. */
  public static void end(DataInputStream in) throws IOException {
    if (in.read() >= 0) {
      throw new IllegalArgumentException("there are bytes behind its end");
    }
  }

  /** SHA-256 of the bytes, hex. */
  public static String digest(Writer snapshot) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      snapshot.writeTo(new DigestOutputStream(OutputStream.nullOutputStream(), sha));
      return HexFormat.of().formatHex(sha.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
