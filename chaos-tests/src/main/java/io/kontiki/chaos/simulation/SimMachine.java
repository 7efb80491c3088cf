package io.kontiki.chaos.simulation;

import io.kontiki.broker.RefusedException;
import io.kontiki.broker.partition.DiskReserve;
import io.kontiki.broker.partition.DiskSpace;
import io.kontiki.log.DirectoryMeta;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MachineClock;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A machine that runs one broker, over all of its lives: its disk, its clock, its power. A
 * <em>twin</em> is another machine whose process has the node id of a broker that runs (R35).
 */
public final class SimMachine {
  private static final long MS = 1_000_000;
  private static final long CAPACITY = 1L << 40;
  private static final long RESERVE = 256 << 10;

  private final World world;
  private final int id;
  private final int host;
  private final SeededRandom random;
  private final MachineClock clock;
  private final DiskReserve reserve = new DiskReserve(RESERVE);
  private MemoryFileStore disk;
  private @Nullable MemoryFileStore oldDisk;
  private boolean swapped;
  private boolean failed;
  private boolean rotted;
  private boolean looking;
  private @Nullable SimProcess process;
  private int lives;
  private boolean paused;
  private boolean power = true;
  private long syncStuckUntil;
  private long slowSyncNanos;
  private long slowApplyNanos;
  private int garbledOneIn;

  SimMachine(World world, int id) {
    this.world = world;
    this.id = id;
    this.host = id;
    this.random = world.newRandom();
    this.clock = world.time().newMachineClock();
    this.disk = newDisk();
  }

  /**
   * The machine of a process with another one's node id.
   *
   * @param host its own number in the network
   * @param copied whether it has a copy of the other one's disk, or an empty one
   */
  SimMachine(SimMachine original, int host, boolean copied) {
    this.world = original.world;
    this.id = original.id;
    this.host = host;
    this.random = world.newRandom();
    this.clock = world.time().newMachineClock();
    this.disk = copied ? original.disk.copy() : newDisk();
    this.disk.clock(clock);
  }

  private MemoryFileStore newDisk() {
    MemoryFileStore fresh = new MemoryFileStore(CAPACITY);
    fresh.clock(clock);
    return fresh;
  }

  /** Its node id. */
  public int id() {
    return id;
  }

  /** Its number in the network. */
  int host() {
    return host;
  }

  /** Whether its process has the node id of another machine's. */
  boolean twin() {
    return host != id;
  }

  /** Whether a process runs. */
  public boolean up() {
    return process != null;
  }

  /** Whether its process stands still. */
  public boolean paused() {
    return paused;
  }

  /** Its clock. */
  public MachineClock clock() {
    return clock;
  }

  /** Its disk, as of now. */
  public MemoryFileStore disk() {
    return disk;
  }

  @Nullable SimProcess process() {
    return process;
  }

  int lives() {
    return lives;
  }

  DiskSpace diskSpace() {
    return reserve.judge(disk.usableBytes());
  }

  long recoveryNanos() {
    return (5 + random.nextInt(100)) * MS;
  }

  long syncNanos() {
    long stuck = syncStuckUntil - world.time().clock().nanoTime();
    return Math.max(Math.max(0, stuck), slowSyncNanos) + 100_000 + random.nextInt(400_000);
  }

  long readNanos() {
    return 50_000L + random.nextInt(300_000);
  }

  long applyNanos() {
    return slowApplyNanos + 20_000 + random.nextInt(200_000);
  }

  /** Starts a process, if none runs; it may refuse and end. */
  public void start() {
    if (process != null) {
      return;
    }
    if (!power) {
      power = true;
      world.network().powerOn(host);
    }
    lives++;
    world.trace().add(11, host, () -> "n" + id + "." + lives + " starts on host " + host);
    try {
      process = new SimProcess(world, this, lives);
    } catch (RefusedException | StorageException e) {
      world.trace().add(12, id, () -> "n" + id + " refuses to start: " + e.getMessage());
      world.network().listening(host, false);
      world.refused(id, String.valueOf(e.getMessage()));
    }
  }

  /** kill -9. */
  public void kill() {
    SimProcess dying = process;
    if (dying == null) {
      return;
    }
    world.trace().add(13, id, () -> dying.name() + " is killed");
    gone(dying);
    world.network().processDied(host);
    disk.kill();
  }

  /** The power goes: what was not synced is lost, as chance has it; nobody is told. */
  public void powerCut() {
    SimProcess dying = process;
    world.trace().add(14, id, () -> "n" + id + " loses power");
    if (dying != null) {
      gone(dying);
    }
    world.seen().onLossyStop(id);
    power = false;
    world.network().powerOff(id);
    disk.crash(random);
  }

  /** The process has ended by itself. */
  void ended(SimProcess ending, String why) {
    if (process != ending) {
      return;
    }
    world.trace().add(15, id, () -> ending.name() + " has ended: " + why);
    gone(ending);
    world.network().processDied(host);
    disk.kill();
    if (ending.refusal() != null) {
      world.refused(id, why);
    }
  }

  private void gone(SimProcess dying) {
    if (twin()) {
      process = null;
      dying.die();
      return;
    }
    world.endTwin(id);
    world.beforeEnd(this, dying);
    process = null;
    paused = false;
    dying.die();
    world.raftDied(id);
  }

  /** SIGSTOP, or SIGCONT. */
  public void pause(boolean still) {
    SimProcess running = process;
    if (running == null || still == paused) {
      return;
    }
    world.endTwin(id);
    world.trace().add(16, id, () -> running.name() + (still ? " stands still" : " goes on"));
    paused = still;
    running.pause(still);
    world.raftPaused(id, still);
  }

  /** A controlled stop (R7). */
  public void stop() {
    SimProcess running = process;
    if (running != null) {
      world.trace().add(17, id, () -> running.name() + " is told to stop");
      running.stop();
    }
  }

  /** Syncs that begin from now on end after so much time. */
  public void stickDiskMs(long ms) {
    syncStuckUntil = world.time().clock().nanoTime() + ms * MS;
  }

  /** Each sync takes so much longer; 0: as usual. */
  public void slowDiskMs(long ms) {
    slowSyncNanos = ms * MS;
  }

  /** Metadata are applied so much later; 0: as usual. */
  public void slowApplyMs(long ms) {
    slowApplyNanos = ms * MS;
  }

  /**
   * One message of data in so many that it ships arrives twice, damaged or not at all; 0: none any
   * more. No connection outlives that: one that goes on has lost nothing (TCP), and the room that a
   * lost message took would never come back.
   */
  public void garble(int oneIn) {
    if (garbledOneIn > 0 && oneIn == 0) {
      world.network().breakAll(host, "it has lost messages");
    }
    garbledOneIn = oneIn;
  }

  List<ReplicationMessage> ships(ReplicationMessage message) {
    return garbledOneIn > 0
            && message instanceof ReplicationMessage.Data data
            && random.oneIn(garbledOneIn)
        ? Garbled.of(data, random)
        : List.of(message);
  }

  /** Its monotonic clock runs so much faster (above 1) or slower than true time. */
  public void drift(double rate) {
    clock.drift(rate);
  }

  /** Logs that its disk has, under their own names. */
  List<PartitionId> logsOnDisk() {
    List<PartitionId> found = new ArrayList<>();
    for (String name : disk.list("log")) {
      if (name.endsWith(".deleted") || name.contains(".")) {
        continue;
      }
      try {
        found.add(PartitionId.parseDirectoryName(name));
      } catch (IllegalArgumentException e) {
        // A file of the log directory's own.
      }
    }
    return found;
  }

  /** The disk is replaced by an empty one; the process must not run. */
  public void wipe() {
    if (process != null) {
      throw new IllegalStateException("n" + id + " runs");
    }
    world.trace().add(18, id, () -> "n" + id + " gets an empty disk");
    world.seen().onLossyStop(id);
    oldDisk = disk;
    swapped = false;
    disk = newDisk();
  }

  /** Whether a disk lies about that was replaced. */
  public boolean hasOldDisk() {
    return oldDisk != null;
  }

  /** Whether the disk that was replaced is in use, and will go again. */
  boolean swapped() {
    return swapped;
  }

  /** The disk that was replaced is put back, or taken out again; no process may run. */
  public void swapDisks() {
    MemoryFileStore other = oldDisk;
    if (other == null || process != null) {
      throw new IllegalStateException("n" + id + " has no other disk, or runs");
    }
    world.trace().add(19, id, () -> "n" + id + " gets its other disk");
    disk.faults(null); // what was to fail on it is over when it comes back
    oldDisk = disk;
    disk = other;
    swapped = !swapped;
  }

  /**
   * The disk that was replaced goes again, unless it was taken and is needed by now: a broker that
   * is registered with it is counted on for what is there, whether its process runs or not (P1).
   */
  public void swapBack() {
    if (!swapped) {
      return;
    }
    boolean taken = process != null || registered();
    if (taken && !world.mayLoseDisk(id)) {
      return;
    }
    if (taken) {
      world.seen().onLossyStop(id);
    }
    kill();
    swapDisks();
  }

  /** Whether metadata count on the disk that it has now; a voter's may be refused by name (M16). */
  private boolean registered() {
    Uid directory = directoryId();
    BrokerImage broker = world.image().brokers().get(id);
    VoterImage voter = world.image().voters().get(id);
    return broker != null
        && broker.directoryId().equals(directory)
        && (voter == null || Objects.equals(voter.directoryId(), directory));
  }

  /** The id of its data directory, or null before its first start. */
  @Nullable Uid directoryId() {
    looking = true;
    try {
      return DirectoryMeta.read(disk.child("log")).map(DirectoryMeta::directoryId).orElse(null);
    } finally {
      looking = false;
    }
  }

  /**
   * One operation on the log's files fails.
   *
   * @param skip so many of its kind go well before; -1: none fails
   */
  public void failOnce(MemoryFileStore.Operation operation, int skip) {
    if (skip < 0) {
      disk.faults(null);
      return;
    }
    int[] left = {skip};
    disk.faults(
        (present, path) -> {
          if (looking || present != operation || !path.startsWith("log/") || left[0]-- != 0) {
            return null;
          }
          failed = true;
          world.trace().add(20, id, () -> "n" + id + ": " + operation + " of " + path + " fails");
          return StorageException.Kind.IO;
        });
  }

  /** Whether its files cannot be trusted; what it serves can all the same (L2). */
  boolean rotted() {
    return rotted;
  }

  /** What the world does with the disk does not count. */
  void looking(boolean looks) {
    looking = looks;
  }

  /** The disk works again; a process that gave it up is started again. */
  void repair() {
    disk.faults(null);
    swapBack();
    if (failed) {
      failed = false;
      kill();
    }
  }

  /** So much room is left from now on. */
  public void room(long bytes) {
    long used = disk.totalBytes() - disk.usableBytes();
    disk.capacity(bytes == Long.MAX_VALUE ? CAPACITY : used + bytes);
  }

  /** Bits of one byte of one of its segments are turned over. */
  public void rot(int file, long position, int mask) {
    List<String> segments = new ArrayList<>();
    for (PartitionId log : logsOnDisk()) {
      String directory = "log/" + log.directoryName();
      for (String name : disk.list(directory)) {
        if (name.endsWith(".log")) {
          segments.add(directory + "/" + name);
        }
      }
    }
    if (segments.isEmpty()) {
      return;
    }
    String path = segments.get(file % segments.size());
    long size;
    try (FileStore.File opened = disk.open(path)) {
      size = opened.size();
    }
    if (size > 0) {
      world
          .trace()
          .add(24, position, () -> "n" + id + ": " + path + "@" + position % size + " rots");
      disk.flip(path, position % size, mask);
      rotted = true;
    }
  }
}
