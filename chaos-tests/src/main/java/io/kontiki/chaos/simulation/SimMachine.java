package io.kontiki.chaos.simulation;

import io.kontiki.broker.RefusedException;
import io.kontiki.broker.partition.DiskSpace;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.memory.MachineClock;
import io.kontiki.runtime.memory.MemoryFileStore;
import io.kontiki.runtime.memory.SeededRandom;
import org.jspecify.annotations.Nullable;

/** A machine that runs one broker, over all of its lives: its disk, its clock, its power. */
public final class SimMachine {
  private static final long MS = 1_000_000;

  private final World world;
  private final int id;
  private final SeededRandom random;
  private final MachineClock clock;
  private MemoryFileStore disk;
  private @Nullable SimProcess process;
  private int lives;
  private boolean paused;
  private boolean power = true;
  private long syncStuckUntil;
  private long slowSyncNanos;
  private long slowApplyNanos;

  SimMachine(World world, int id) {
    this.world = world;
    this.id = id;
    this.random = world.newRandom();
    this.clock = world.time().newMachineClock();
    this.disk = newDisk();
  }

  private MemoryFileStore newDisk() {
    MemoryFileStore fresh = new MemoryFileStore();
    fresh.clock(clock);
    return fresh;
  }

  /** Its node id. */
  public int id() {
    return id;
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
    return DiskSpace.ENOUGH;
  }

  long recoveryNanos() {
    return (5 + random.nextInt(100)) * MS;
  }

  long syncNanos() {
    long stuck = syncStuckUntil - world.time().clock().nanoTime();
    return Math.max(Math.max(0, stuck), slowSyncNanos) + 100_000 + random.nextInt(400_000);
  }

  long readNanos() {
    return 50_000 + random.nextInt(300_000);
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
      world.network().powerOn(id);
    }
    lives++;
    world.trace().add(11, id, () -> "n" + id + "." + lives + " starts");
    try {
      process = new SimProcess(world, this, lives);
    } catch (RefusedException | StorageException e) {
      world.trace().add(12, id, () -> "n" + id + " refuses to start: " + e.getMessage());
      world.network().listening(id, false);
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
    world.network().processDied(id);
    disk.kill();
  }

  /** The power goes: what was not synced is lost, as chance has it; nobody is told. */
  public void powerCut() {
    SimProcess dying = process;
    world.trace().add(14, id, () -> "n" + id + " loses power");
    if (dying != null) {
      gone(dying);
    }
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
    world.network().processDied(id);
    disk.kill();
    if (ending.refusal() != null) {
      world.refused(id, why);
    }
  }

  private void gone(SimProcess dying) {
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

  /** Its monotonic clock runs so much faster (above 1) or slower than true time. */
  public void drift(double rate) {
    clock.drift(rate);
  }

  /** The disk is replaced by an empty one; the process must not run. */
  public void wipe() {
    if (process != null) {
      throw new IllegalStateException("n" + id + " runs");
    }
    world.trace().add(18, id, () -> "n" + id + " gets an empty disk");
    disk = newDisk();
  }
}
