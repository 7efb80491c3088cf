package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One watcher of the cluster: first a snapshot, then what differs between the image it has and the
 * newest one, found by comparing references. A slow watcher skips images, never changes. Lives on
 * one loop.
 */
public final class ClusterWatch implements Metadata.Listener {
  /** Silence after which a heartbeat goes out. */
  static final long HEARTBEAT_NANOS = 10_000_000_000L;

  /** So long the first snapshot waits for the quorum. */
  static final long FRESH_NANOS = 2_000_000_000L;

  /** Partitions in one piece of a snapshot; a topic is never split. */
  static final int PIECE_PARTITIONS = 5_000;

  /** To the next look at a client that takes nothing. */
  private static final long BUSY_PAUSE_NANOS = 100_000_000;

  private final Metadata metadata;
  private final EventLoop loop;
  private final Predicate<String> wanted;
  private final Sink sink;
  private final ArrayDeque<Piece> pieces = new ArrayDeque<>();
  private ClusterImage newest = ClusterImage.EMPTY;
  private @Nullable ClusterImage shown;
  private EventLoop.@Nullable Timer heartbeat;
  private long lastSentNanos;
  private boolean pumping;
  private boolean over;

  /** Takes what is to be told. All calls on the watch's loop. */
  public interface Sink {
    /** Whether the client takes more; {@link ClusterWatch#onReady} tells of a change. */
    boolean ready();

    /** A piece of the snapshot or of a change. */
    void piece(Piece piece);

    /** Nothing changed for 10 s. */
    void heartbeat(long index);
  }

  /** A topic, or what changed of it: partitions by number. */
  public record TopicChange(TopicImage topic, SortedMap<Integer, PartitionImage> partitions) {}

  /**
   * Something to tell.
   *
   * @param first of a snapshot
   * @param complete with it the view is that of the index
   */
  public record Piece(
      ClusterImage image,
      boolean first,
      boolean complete,
      List<BrokerImage> brokers,
      List<Integer> removedBrokers,
      List<TopicChange> topics,
      List<TopicId> removedTopics) {}

  /**
   * @param topics names to tell of
   * @param allTopics all, also those to come
   */
  public ClusterWatch(
      Metadata metadata, EventLoop loop, Set<String> topics, boolean allTopics, Sink sink) {
    this.metadata = metadata;
    this.loop = loop;
    Set<String> names = new TreeSet<>(topics);
    this.wanted = allTopics ? name -> true : names::contains;
    this.sink = sink;
  }

  /** Begins, on the loop. */
  public void start() {
    lastSentNanos = loop.clock().nanoTime();
    heartbeat = loop.schedule(HEARTBEAT_NANOS, this::beat);
    long deadline = loop.clock().nanoTime() + FRESH_NANOS;
    CallContext here = new CallContext(loop, deadline);
    metadata.readLatest(deadline, here.home(this::begin));
  }

  private void begin(Result<ClusterImage> latest) {
    if (over) {
      return;
    }
    // Without a quorum the broker's own copy has to do.
    newest = latest.fold(image -> image, error -> metadata.image());
    metadata.listen(this);
    pump();
  }

  @Override
  public void onImage(ClusterImage image) {
    CallContext.onLoop(
        loop,
        () -> {
          if (image.index() > newest.index()) {
            newest = image;
          }
          pump();
        });
  }

  /** The client takes more again. */
  public void onReady() {
    pump();
  }

  /** The client has gone. */
  public void cancel() {
    over = true;
    metadata.unlisten(this);
    pieces.clear();
    EventLoop.Timer timer = heartbeat;
    if (timer != null) {
      timer.cancel();
    }
  }

  private void pump() {
    if (pumping) {
      return;
    }
    pumping = true;
    while (!over && sink.ready() && (!pieces.isEmpty() || compare())) {
      lastSentNanos = loop.clock().nanoTime();
      sink.piece(pieces.remove());
    }
    pumping = false;
  }

  /** Makes pieces of what the client does not have yet; false if it has everything. */
  private boolean compare() {
    ClusterImage before = shown;
    if (newest.index() == 0 || (before != null && before.index() == newest.index())) {
      return false;
    }
    shown = newest;
    boolean snapshot = before == null;
    ClusterImage from = before == null ? ClusterImage.EMPTY : before;
    List<TopicChange> changes = changedTopics(from, newest);
    List<TopicId> removed = new ArrayList<>();
    for (TopicImage topic : from.topics().values()) {
      if (wanted.test(topic.name()) && !newest.topics().containsKey(topic.id())) {
        removed.add(topic.id());
      }
    }
    List<TopicChange> piece = new ArrayList<>();
    int partitions = 0;
    boolean first = true;
    for (TopicChange change : changes) {
      if (partitions > 0 && partitions + change.partitions().size() > PIECE_PARTITIONS) {
        pieces.add(piece(from, first, snapshot, false, piece, List.of()));
        piece = new ArrayList<>();
        partitions = 0;
        first = false;
      }
      piece.add(change);
      partitions += 1 + change.partitions().size();
    }
    pieces.add(piece(from, first, snapshot, true, piece, removed));
    return true;
  }

  private Piece piece(
      ClusterImage from,
      boolean first,
      boolean snapshot,
      boolean complete,
      List<TopicChange> topics,
      List<TopicId> removedTopics) {
    List<BrokerImage> brokers = new ArrayList<>();
    List<Integer> removedBrokers = new ArrayList<>();
    if (first) {
      for (BrokerImage broker : newest.brokers().values()) {
        if (from.brokers().get(broker.id()) != broker) {
          brokers.add(broker);
        }
      }
      for (int id : from.brokers().keySet()) {
        if (!newest.brokers().containsKey(id)) {
          removedBrokers.add(id);
        }
      }
    }
    return new Piece(
        newest, snapshot && first, complete, brokers, removedBrokers, topics, removedTopics);
  }

  private List<TopicChange> changedTopics(ClusterImage from, ClusterImage to) {
    List<TopicChange> changes = new ArrayList<>();
    if (from.topics() == to.topics()) {
      return changes;
    }
    for (Map.Entry<TopicId, TopicImage> entry : to.topics().entrySet()) {
      TopicImage topic = entry.getValue();
      TopicImage old = from.topics().get(entry.getKey());
      if (old == topic || !wanted.test(topic.name())) {
        continue;
      }
      SortedMap<Integer, PartitionImage> partitions = new TreeMap<>();
      for (int i = 0; i < topic.partitions().size(); i++) {
        PartitionImage partition = topic.partitions().get(i);
        if (old == null || i >= old.partitions().size() || old.partitions().get(i) != partition) {
          partitions.put(i, partition);
        }
      }
      changes.add(new TopicChange(topic, partitions));
    }
    return changes;
  }

  private void beat() {
    if (over) {
      return;
    }
    long silent = loop.clock().nanoTime() - lastSentNanos;
    if (silent >= HEARTBEAT_NANOS && sink.ready()) {
      lastSentNanos = loop.clock().nanoTime();
      silent = 0;
      sink.heartbeat(newest.index());
    }
    long pause = silent < HEARTBEAT_NANOS ? HEARTBEAT_NANOS - silent : BUSY_PAUSE_NANOS;
    heartbeat = loop.schedule(pause, this::beat);
  }
}
