package io.kontiki.chaos.simulation;

import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.record.RecordBatch;
import io.kontiki.record.RecordBatches;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.VirtualLoop;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.TreeMap;

/** Reads partitions from their beginning, each on its own. */
public final class SimConsumer {
  private static final long MS = 1_000_000;
  private static final long WAIT_MS = 300;

  private final World world;
  private final int id;
  private final SeededRandom random;
  private final VirtualLoop loop;
  private final TreeMap<Integer, ClientLink> links = new TreeMap<>();
  private final TreeMap<PartitionId, Cursor> cursors = new TreeMap<>();

  SimConsumer(World world, int id, List<PartitionId> partitions) {
    this.world = world;
    this.id = id;
    this.random = world.newRandom();
    this.loop = world.time().newLoop("client-" + id);
    partitions.forEach(partition -> cursors.put(partition, new Cursor(partition)));
  }

  /** It has one more partition to read. */
  void reads(PartitionId partition) {
    Cursor cursor = new Cursor(partition);
    cursors.put(partition, cursor);
    loop.execute(cursor::next);
  }

  /** The partition is deleted. */
  void forget(PartitionId partition) {
    Cursor cursor = cursors.remove(partition);
    if (cursor != null) {
      cursor.deleted = true;
    }
  }

  void start() {
    loop.execute(() -> cursors.values().forEach(Cursor::next));
  }

  boolean atEnd() {
    return cursors.values().stream()
        .allMatch(
            cursor ->
                !world.seen().of(cursor.partition).promised()
                    || cursor.offset >= world.seen().of(cursor.partition).end());
  }

  /** Whether it was told, of everything, that there is nothing behind what it has read. */
  boolean toldEnds() {
    return atEnd()
        && cursors.values().stream()
            .allMatch(cursor -> cursor.toldEnd || !world.seen().of(cursor.partition).promised());
  }

  private ClientLink link(int broker) {
    return links.computeIfAbsent(broker, to -> new ClientLink(world, id, to, loop));
  }

  private final class Cursor {
    private final PartitionId partition;
    private long offset;
    private int lastEpoch = -1;
    private long highWatermark = -1;
    private int leader = PartitionImage.NO_LEADER;
    private boolean deleted;
    private int begun;
    private boolean toldEnd;

    /** Epoch of the unclean election that it knows of; -1: none. */
    private int history = -1;

    Cursor(PartitionId partition) {
      this.partition = partition;
    }

    void next() {
      if (deleted) {
        return;
      }
      if (leader == PartitionImage.NO_LEADER) {
        findLeader();
      } else {
        fetch();
      }
    }

    private void later(long ms) {
      loop.schedule(ms * MS, this::next);
    }

    /** Whether what it knows is of before an unclean election. */
    private boolean isOfBefore() {
      return world.seen().of(partition).unclean() != history;
    }

    /** A consumer that begins anew somewhere is another one. */
    private String name() {
      return "consumer " + id + "." + begun;
    }

    private void fetch() {
      world.seen().chronicle().asks(name(), partition, offset);
      Route route = random.oneIn(4) ? Route.FORWARD : Route.LOCAL;
      int to = route == Route.FORWARD ? 1 + random.nextInt(world.plan().brokers()) : leader;
      link(to)
          .<FetchAnswer>call(
              (WAIT_MS + 3_000) * MS,
              (process, answer) -> {
                PartitionRequests requests = process.requests();
                if (requests == null) {
                  return;
                }
                long deadline = process.control().clock().nanoTime() + WAIT_MS * MS;
                requests.fetch(
                    new Fetch(partition, -1, offset, lastEpoch, 4_096, 1, deadline, route), answer);
              },
              reply -> {
                FetchAnswer answer = reply.answer();
                if (answer instanceof FetchAnswer.Fetched fetched
                    && !world.seen().of(partition).isOfBefore(fetched.leaderEpoch())) {
                  take(fetched);
                  later(1 + random.nextInt(20));
                } else {
                  if (answer instanceof FetchAnswer.Failed failed) {
                    refused(failed);
                  }
                  leader = PartitionImage.NO_LEADER;
                  later(50);
                }
              });
    }

    private void take(FetchAnswer.Fetched fetched) {
      if (deleted) {
        return;
      }
      if (isOfBefore() && !world.seen().of(partition).open() && fetched.highWatermark() >= offset) {
        history = world.seen().of(partition).unclean();
        highWatermark = -1; // nothing that it has read was lost
      }
      if (fetched.highWatermark() >= 0 && fetched.highWatermark() < highWatermark) {
        world
            .seen()
            .violates(
                partition,
                "P6",
                "client "
                    + id
                    + " was told high watermark "
                    + fetched.highWatermark()
                    + " after "
                    + highWatermark);
      }
      highWatermark = Math.max(highWatermark, fetched.highWatermark());
      if (fetched.batches().isEmpty() && fetched.highWatermark() == offset) {
        world.seen().chronicle().end(name(), partition, offset);
        toldEnd = true;
      }
      for (ByteBuffer bytes : fetched.batches()) {
        for (RecordBatch batch : new RecordBatches(bytes)) {
          if (batch.nextOffset() <= offset) {
            continue;
          }
          if (batch.baseOffset() > offset) {
            world
                .seen()
                .violates(
                    partition,
                    "P6",
                    "client " + id + " asked at " + offset + " and got " + batch.baseOffset());
          }
          world.seen().read(partition, id, batch);
          world.seen().chronicle().reads(name(), partition, batch, offset);
          offset = batch.nextOffset();
          lastEpoch = batch.leaderEpoch();
        }
      }
    }

    private void refused(FetchAnswer.Failed failed) {
      ErrorReason reason = failed.error().reason();
      if (deleted) {
        return;
      }
      if (reason == ErrorReason.OFFSET_OUT_OF_RANGE && startsLater(failed)) {
        return;
      }
      if (reason == ErrorReason.LOG_TRUNCATED || reason == ErrorReason.OFFSET_OUT_OF_RANGE) {
        if (!world.seen().of(partition).promised() || isOfBefore()) {
          // What was lost may have been read.
          if (!world.seen().of(partition).open()) {
            history = world.seen().of(partition).unclean();
          }
          PartitionRequests.Divergence parts = failed.divergence();
          offset = parts == null ? 0 : Math.min(offset, parts.endOffset());
          begun++;
          lastEpoch = -1;
          highWatermark = -1;
          return;
        }
        world
            .seen()
            .violates(
                partition,
                "P6",
                "client " + id + " has read up to " + offset + " and is told: " + failed.error());
      }
    }

    /** What comes next for it was deleted: it goes on where the log begins now. */
    private boolean startsLater(FetchAnswer.Failed failed) {
      String told = failed.error().metadata().get("startOffset");
      long start = told == null ? 0 : Long.parseLong(told);
      if (start <= offset) {
        return false;
      }
      if (!world.seen().mayBegin(partition, start)) {
        world
            .seen()
            .violates(partition, "D5", "client " + id + " at " + offset + ": " + failed.error());
      }
      world.seen().chronicle().startsAt(partition, start);
      world.seen().of(partition).unseenUpTo(start);
      offset = start;
      lastEpoch = -1;
      return true;
    }

    private void findLeader() {
      link(1 + random.nextInt(world.plan().brokers()))
          .<Integer>call(
              1_000 * MS,
              (process, answer) -> {
                PartitionImage state = process.metadata().image().partition(partition);
                answer.complete(state == null ? PartitionImage.NO_LEADER : state.leader());
              },
              reply -> {
                Integer found = reply.answer();
                leader = found == null ? PartitionImage.NO_LEADER : found;
                if (leader == PartitionImage.NO_LEADER) {
                  later(100);
                } else {
                  fetch();
                }
              });
    }
  }
}
