package io.kontiki.chaos.simulation;

/** Something that goes wrong; what it does to whom is decided when it is made. */
public sealed interface Fault {
  /** Does it. */
  void happen(World world);

  /** kill -9, and the start after a while. */
  record Kill(int node, long downMs) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).kill();
      world.later(downMs, () -> world.machine(node).start());
    }
  }

  /** The power of one machine goes. */
  record PowerCut(int node, long downMs) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).powerCut();
      world.later(downMs, () -> world.machine(node).start());
    }
  }

  /** The power of all machines goes at once. */
  record PowerCutOfAll(long downMs) implements Fault {
    @Override
    public void happen(World world) {
      world.machines().forEach(SimMachine::powerCut);
      world.machines().forEach(machine -> world.later(downMs, machine::start));
    }
  }

  /** SIGSTOP for a while. */
  record Pause(int node, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).pause(true);
      world.later(ms, () -> world.machine(node).pause(false));
    }
  }

  /** A controlled stop. */
  record Stop(int node, long downMs) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).stop();
      world.later(downMs, () -> world.machine(node).start());
    }
  }

  /** Nothing gets from one to the other for a while. */
  record Cut(int from, int to, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.cut(from, to);
      world.later(ms, () -> world.mend(from, to));
    }
  }

  /** A machine is alone for a while. */
  record Isolate(int node, long ms) implements Fault {
    @Override
    public void happen(World world) {
      for (SimMachine other : world.machines()) {
        if (other.id() != node) {
          world.cut(node, other.id());
          world.cut(other.id(), node);
          world.later(
              ms,
              () -> {
                world.mend(node, other.id());
                world.mend(other.id(), node);
              });
        }
      }
    }
  }

  /** A connection breaks. */
  record Break(int count) implements Fault {
    @Override
    public void happen(World world) {
      for (int i = 0; i < count; i++) {
        world.breakConnection();
      }
    }
  }

  /** A link is slow, and loses packets, for a while. */
  record Slow(int from, int to, long extraMs, int lossOneIn, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.slow(from, to, extraMs, lossOneIn);
      world.later(ms, () -> world.slow(from, to, 0, 0));
    }
  }

  /** Syncs hang for a while. */
  record StuckDisk(int node, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).stickDiskMs(ms);
    }
  }

  /** Each sync takes long, for a while. */
  record SlowDisk(int node, long syncMs, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).slowDiskMs(syncMs);
      world.later(ms, () -> world.machine(node).slowDiskMs(0));
    }
  }

  /** Metadata are applied late, for a while. */
  record SlowApply(int node, long applyMs, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).slowApplyMs(applyMs);
      world.later(ms, () -> world.machine(node).slowApplyMs(0));
    }
  }

  /** A voter gets no metadata for a while; the log may be cut short before it goes on (M8). */
  record OldImage(int node, long ms, boolean jumps) implements Fault {
    @Override
    public void happen(World world) {
      world.deaf(node, true);
      world.later(
          ms,
          () -> {
            if (jumps) {
              world.compactRaft();
            }
            world.deaf(node, false);
          });
    }
  }

  /** The metadata have another leader, for no reason. */
  record MoveController() implements Fault {
    @Override
    public void happen(World world) {
      world.moveController();
    }
  }

  /** A machine's monotonic clock runs faster or slower, for a while. */
  record Drift(int node, double rate, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).drift(rate);
      world.later(ms, () -> world.machine(node).drift(1));
    }
  }

  /** A machine's wall clock is wrong, for a while. */
  record WallJump(int node, long deltaMs, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).clock().jumpWall(deltaMs);
      world.later(ms, () -> world.machine(node).clock().correctWall());
    }
  }
}
