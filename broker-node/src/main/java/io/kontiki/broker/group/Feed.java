package io.kontiki.broker.group;

import io.kontiki.broker.api.RecordChunk;
import io.kontiki.broker.group.Delivery.Stage;
import io.kontiki.record.Record;
import io.kontiki.record.RecordHeader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chooses whose records go to the client next, and how many, so that the {@link Flow} is kept and
 * no partition takes the room of another: while several have records, or may have, each has its
 * share of the window; who waits for room within its share is not overtaken. Lives on one loop.
 */
final class Feed {
  private final Flow flow;
  private final ArrayDeque<Due> ready = new ArrayDeque<>();

  private record Due(Delivery delivery, int version) {
    boolean stale() {
      return delivery.version != version || delivery.stage != Stage.READY;
    }
  }

  Feed(Flow flow) {
    this.flow = flow;
  }

  /** Nobody has records at hand. */
  boolean idle() {
    return ready.isEmpty();
  }

  /** It has records at hand. */
  void ready(Delivery delivery) {
    ready.add(new Due(delivery, delivery.version));
  }

  /**
   * Takes the next records to send, which count as delivered from here on; null: nothing may go
   * before something comes.
   *
   * @param contenders partitions that have records, or are just being asked
   */
  @Nullable Taken next(int contenders) {
    long share = flow.share(contenders);
    Due least = null;
    int readyCount = 0;
    for (Iterator<Due> all = ready.iterator(); all.hasNext(); ) {
      Due due = all.next();
      if (due.stale()) {
        all.remove();
        continue;
      }
      readyCount++;
      long size = sizeBytes(first(due.delivery()));
      if (entitled(due.delivery(), size, share)) {
        if (!flow.admits(size)) {
          return null; // it waits for room, and nobody may take that away
        }
        all.remove();
        return take(due, share);
      }
      if (least == null
          || due.delivery().uncommitted.bytes() < least.delivery().uncommitted.bytes()) {
        least = due;
      }
    }
    if (least == null
        || contenders > readyCount
        || !flow.admits(sizeBytes(first(least.delivery())))) {
      return null;
    }
    // Everybody has had his share, and there is room left.
    ready.remove(least);
    return take(least, least.delivery().uncommitted.bytes() + 1);
  }

  /** Records that go to the client. */
  record Taken(Delivery delivery, RecordChunk chunk) {}

  private static Record first(Delivery delivery) {
    return delivery.chunks.element().records().get(0);
  }

  private static boolean entitled(Delivery delivery, long size, long share) {
    long bytes = delivery.uncommitted.bytes();
    return bytes == 0 || bytes + size <= share;
  }

  /** As many records of the first piece as may go; at least one. */
  private Taken take(Due due, long share) {
    Delivery delivery = due.delivery();
    RecordChunk chunk = delivery.chunks.remove();
    List<Record> records = chunk.records();
    int count = 0;
    long bytes = 0;
    while (count < records.size()) {
      Record record = records.get(count);
      long size = sizeBytes(record);
      if (count > 0 && !(flow.admits(size) && entitled(delivery, size, share))) {
        break;
      }
      flow.delivered(size);
      delivery.onDelivered(record.offset(), chunk.leaderEpoch(), size);
      bytes += size;
      count++;
    }
    if (count < records.size()) {
      delivery.chunks.addFirst(
          new RecordChunk(
              chunk.partition(),
              records.subList(count, records.size()),
              chunk.nextOffset(),
              chunk.leaderEpoch(),
              chunk.highWatermark(),
              (int) Math.max(0, chunk.sizeBytes() - bytes)));
    }
    if (!delivery.chunks.isEmpty()) {
      ready.add(new Due(delivery, delivery.version));
    }
    return new Taken(
        delivery,
        new RecordChunk(
            chunk.partition(),
            records.subList(0, count),
            delivery.delivered,
            chunk.leaderEpoch(),
            chunk.highWatermark(),
            (int) Math.min(Integer.MAX_VALUE, bytes)));
  }

  /** Bytes of key, value and headers: what the window counts. */
  static long sizeBytes(Record record) {
    byte[] key = record.key();
    byte[] value = record.value();
    long size = (key == null ? 0 : key.length) + (long) (value == null ? 0 : value.length);
    for (RecordHeader header : record.headers()) {
      byte[] content = header.value();
      size += header.key().getBytes(StandardCharsets.UTF_8).length;
      size += content == null ? 0 : content.length;
    }
    return size;
  }
}
