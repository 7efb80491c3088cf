package io.kontiki.broker.quorum;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.kontiki.internal.v1.IndexedCommand;
import io.kontiki.internal.v1.WatchMetadataRequest;
import io.kontiki.internal.v1.WatchMetadataResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.metadata.machine.CommandHistory;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.Uid;
import io.kontiki.runtime.EventLoop;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The metadata streams of brokers that do not vote, served by a voter (rule M22). All on the
 * control loop; a slow reader is sent no more than its stream takes.
 */
final class MetadataWatchers {
  private static final int PIECE_BYTES = 1 << 20;

  /** Between two signs of life on a stream. */
  static final long BEAT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final MetadataStateMachine machine;
  private final EventLoop loop;
  private final BooleanSupplier leaderKnown;
  private final Set<Watcher> watchers = new LinkedHashSet<>();
  private EventLoop.@Nullable Timer beating;

  /**
   * @param leaderKnown whether this voter is in touch with a leader of the group
   */
  MetadataWatchers(MetadataStateMachine machine, EventLoop control, BooleanSupplier leaderKnown) {
    this.machine = machine;
    this.loop = control;
    this.leaderKnown = leaderKnown;
  }

  /** A broker opens its stream. */
  void accept(WatchMetadataRequest request, ServerCallStreamObserver<WatchMetadataResponse> out) {
    Uid asked = Peers.uid(request.getClusterId());
    Uid own = machine.image().clusterId();
    if (!asked.equals(Uid.NONE) && !own.equals(Uid.NONE) && !asked.equals(own)) {
      out.onError(
          Status.FAILED_PRECONDITION
              .withDescription(
                  "broker "
                      + request.getBrokerId()
                      + " belongs to cluster "
                      + asked
                      + ", this is cluster "
                      + own)
              .asException());
      return;
    }
    Watcher watcher = new Watcher(request.getBrokerId(), out, request.getAppliedIndex());
    for (Watcher older : List.copyOf(watchers)) {
      if (older.brokerId == watcher.brokerId) {
        older.end(); // a connection that nobody has told to be dead
      }
    }
    watchers.add(watcher);
    out.setOnReadyHandler(() -> loop.execute(watcher::send));
    out.setOnCancelHandler(() -> loop.execute(() -> watchers.remove(watcher)));
    loop.execute(watcher::send);
    if (beating == null) {
      beat();
    }
  }

  /** Without news a broker could not tell a voter that is quiet from one that is dead. */
  private void beat() {
    beating = watchers.isEmpty() ? null : loop.schedule(BEAT_NANOS, this::beat);
    for (Watcher watcher : List.copyOf(watchers)) {
      watcher.beat();
    }
  }

  /** Ends all streams. */
  void close() {
    if (beating != null) {
      beating.cancel();
    }
    List.copyOf(watchers).forEach(Watcher::end);
  }

  /** There is a newer image. */
  void onImage(ClusterImage image) {
    for (Watcher watcher : List.copyOf(watchers)) {
      watcher.send();
    }
  }

  /** One broker's stream. */
  private final class Watcher {
    private final int brokerId;
    private final ServerCallStreamObserver<WatchMetadataResponse> out;
    private long sentIndex;

    Watcher(int brokerId, ServerCallStreamObserver<WatchMetadataResponse> out, long appliedIndex) {
      this.brokerId = brokerId;
      this.out = out;
      this.sentIndex = appliedIndex;
    }

    void send() {
      if (!watchers.contains(this) || !out.isReady()) {
        return;
      }
      ClusterImage image = machine.image();
      if (image.index() <= sentIndex) {
        return; // nothing new, or this voter is behind the broker: it waits (M22)
      }
      Optional<List<CommandHistory.Entry>> entries = machine.since(sentIndex);
      if (entries.isPresent() && !entries.get().isEmpty()) {
        sendCommands(entries.get());
      } else {
        sendSnapshot(image);
      }
    }

    void beat() {
      if (out.isReady()) {
        out.onNext(
            WatchMetadataResponse.newBuilder()
                .setAppliedIndex(machine.image().index())
                .setBehind(!leaderKnown.getAsBoolean() || machine.image().index() < sentIndex)
                .build());
      }
    }

    void end() {
      if (watchers.remove(this) && !out.isCancelled()) {
        out.onCompleted();
      }
    }

    private void sendCommands(List<CommandHistory.Entry> entries) {
      WatchMetadataResponse.Builder message = WatchMetadataResponse.newBuilder();
      for (CommandHistory.Entry entry : entries) {
        message.addCommands(
            IndexedCommand.newBuilder()
                .setIndex(entry.index())
                .setCommand(ByteString.copyFrom(entry.command().duplicate())));
        sentIndex = entry.index();
      }
      out.onNext(message.setAppliedIndex(sentIndex).build());
    }

    private void sendSnapshot(ClusterImage image) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try {
        ClusterImageCodec.write(image, bytes);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      ByteString all = UnsafeByteOperations.unsafeWrap(bytes.toByteArray());
      for (int from = 0; from < all.size(); from += PIECE_BYTES) {
        int to = Math.min(all.size(), from + PIECE_BYTES);
        out.onNext(
            WatchMetadataResponse.newBuilder()
                .setAppliedIndex(image.index())
                .setSnapshotPiece(all.substring(from, to))
                .setSnapshotIndex(to == all.size() ? image.index() : 0)
                .build());
      }
      sentIndex = image.index();
    }
  }
}
