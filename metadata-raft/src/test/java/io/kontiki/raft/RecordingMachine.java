package io.kontiki.raft;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Keeps every command as text; the answer is how many there are. Thread-safe for the tests. */
public final class RecordingMachine implements StateMachine {
  private final List<String> commands = new ArrayList<>();
  private final List<String> events = new ArrayList<>();
  private long appliedIndex;
  private int restored;

  public static ByteBuffer command(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public synchronized Object apply(long index, ByteBuffer command) {
    String text = StandardCharsets.UTF_8.decode(command).toString();
    if (text.equals("throw")) {
      throw new IllegalStateException("cannot apply '" + text + "'");
    }
    commands.add(text);
    return commands.size();
  }

  @Override
  public synchronized void onApplied(long index) {
    appliedIndex = index;
  }

  @Override
  public synchronized SnapshotSource snapshot() {
    List<String> picture = List.copyOf(commands);
    return out -> write(picture, out);
  }

  private static void write(List<String> picture, OutputStream out) throws IOException {
    DataOutputStream data = new DataOutputStream(out);
    data.writeInt(picture.size());
    for (String one : picture) {
      data.writeUTF(one);
    }
    data.flush();
  }

  @Override
  public synchronized void restore(InputStream snapshot) throws IOException {
    DataInputStream data = new DataInputStream(snapshot);
    commands.clear();
    for (int left = data.readInt(); left > 0; left--) {
      commands.add(data.readUTF());
    }
    restored++;
  }

  @Override
  public synchronized void onLeaderStart(long term) {
    events.add("leads " + term + " after " + commands.size());
  }

  @Override
  public synchronized void onLeaderStop(long term) {
    events.add("stops " + term);
  }

  @Override
  public synchronized void onFollowing(int leaderId, long term) {
    events.add("follows " + leaderId);
  }

  public synchronized List<String> commands() {
    return List.copyOf(commands);
  }

  public synchronized List<String> events() {
    return List.copyOf(events);
  }

  public synchronized long appliedIndex() {
    return appliedIndex;
  }

  public synchronized int restored() {
    return restored;
  }
}
