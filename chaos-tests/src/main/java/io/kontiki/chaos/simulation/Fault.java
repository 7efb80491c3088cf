package io.kontiki.chaos.simulation;

import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.memory.MemoryFileStore;
import java.util.List;
import java.util.function.Consumer;

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

  /** Proposals of metadata take their time for a while, and some come twice. */
  record SlowQuorum(long mostMs, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.slowQuorum(mostMs);
      world.later(ms, () -> world.slowQuorum(0));
    }
  }

  /** What a leader ships arrives twice, damaged or not at all, at times (R30). */
  record Garble(int node, int oneIn, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).garble(oneIn);
      world.later(ms, () -> world.machine(node).garble(0));
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

  /** An administrator wants one more topic. */
  record Create(TopicPlan topic) implements Fault {
    @Override
    public void happen(World world) {
      world.admin().create(topic);
    }
  }

  private static void onSomeTopic(World world, int which, Consumer<String> change) {
    List<String> names = world.topicNames();
    if (!names.isEmpty()) {
      change.accept(names.get(which % names.size()));
    }
  }

  /** An administrator deletes some topic. */
  record Delete(int which) implements Fault {
    @Override
    public void happen(World world) {
      List<String> names = world.topicNames();
      if (names.size() > 1) {
        world.admin().delete(names.get(which % names.size()));
      }
    }
  }

  /** An administrator wants more partitions of some topic. */
  record Expand(int which, int by) implements Fault {
    @Override
    public void happen(World world) {
      onSomeTopic(
          world,
          which,
          name -> world.admin().expand(name, Math.min(8, world.partitions(name).size() + by)));
    }
  }

  /** An administrator moves replicas of some partition. */
  record Reassign(int which, int partition, List<Integer> brokers, boolean sameCount)
      implements Fault {
    @Override
    public void happen(World world) {
      onSomeTopic(world, which, name -> move(world, name));
    }

    private void move(World world, String name) {
      List<PartitionId> all = world.partitions(name);
      PartitionId id = all.get(partition % all.size());
      PartitionImage now = world.image().partition(id);
      if (now != null) {
        int count = sameCount ? now.replicas().size() : brokers.size();
        List<Integer> to = brokers.subList(0, Math.min(count, brokers.size()));
        if (!world.rotten() || world.mayMove(now, to)) {
          world.admin().reassign(name, id.partition(), to);
        }
      }
    }
  }

  /**
   * An administrator deletes the first part of some partition: so much of what is committed, up to
   * any offset, also one within a batch.
   */
  record DeleteRecords(int which, int partition, int percent) implements Fault {
    @Override
    public void happen(World world) {
      onSomeTopic(
          world,
          which,
          name -> {
            List<PartitionId> all = world.partitions(name);
            PartitionId id = all.get(partition % all.size());
            world
                .admin()
                .deleteRecords(
                    name, id, percent == 100 ? -1 : world.seen().of(id).end() * percent / 100);
          });
    }
  }

  /** An administrator takes a move back. */
  record CancelMove(int which, int partition) implements Fault {
    @Override
    public void happen(World world) {
      onSomeTopic(
          world,
          which,
          name -> world.admin().cancel(name, partition % world.partitions(name).size()));
    }
  }

  /** An administrator wants the preferred leader. */
  record ElectPreferred(int which, int partition) implements Fault {
    @Override
    public void happen(World world) {
      onSomeTopic(
          world,
          which,
          name -> world.admin().electPreferred(name, partition % world.partitions(name).size()));
    }
  }

  /**
   * An administrator who does not wait: for a while, wherever nobody leads, any replica that lives
   * shall (R19).
   */
  record Impatience(long ms, int everyMs) implements Fault {
    @Override
    public void happen(World world) {
      for (long at = 0; at < ms; at += everyMs) {
        world.later(at, () -> ask(world));
      }
    }

    private static void ask(World world) {
      if (world.rotten()) {
        return; // a damaged replica that leads alone is never whole again
      }
      for (TopicImage topic : world.image().topics().values()) {
        for (int i = 0; i < topic.partitions().size(); i++) {
          if (topic.partitions().get(i).leader() == PartitionImage.NO_LEADER) {
            world.admin().electUnclean(topic.name(), i);
          }
        }
      }
    }
  }

  /** An administrator fences a broker for a while, or drains it, of its replicas too. */
  record Fence(int node, long ms) implements Fault {
    @Override
    public void happen(World world) {
      if (ms % 3 == 0) {
        world.admin().fence(node);
      } else {
        world.admin().drain(node, ms % 3 == 1);
      }
      world.later(ms, () -> world.admin().unfence(node));
    }
  }

  /** A second process with the node id of one that runs, for a while (R35). */
  record Twin(int node, boolean copied, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.startTwin(node, copied);
      world.later(ms, () -> world.endTwin(node));
    }
  }

  /** A broker comes back with an empty disk, if nothing is only there. */
  record Wipe(int node, long downMs) implements Fault {
    @Override
    public void happen(World world) {
      if (world.mayLoseDisk(node)) {
        world.machine(node).kill();
        world.machine(node).wipe();
        world.later(downMs, () -> world.machine(node).start());
      }
    }
  }

  /** The disk that was replaced comes back for a while: a voter's is refused by name (M16). */
  record OldDisk(int node, long ms) implements Fault {
    @Override
    public void happen(World world) {
      if (world.mayLoseDisk(node) && world.machine(node).hasOldDisk()) {
        world.machine(node).kill();
        world.seen().onLossyStop(node);
        world.machine(node).swapDisks();
        world.machine(node).start();
        world.later(
            ms,
            () -> {
              world.machine(node).swapBack();
              world.machine(node).start();
            });
      }
    }
  }

  /** Some operation on the log's files fails; the process is started again after a while (D1). */
  record DiskError(int node, MemoryFileStore.Operation operation, int skip, long ms)
      implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).failOnce(operation, skip);
      world.later(
          ms,
          () -> {
            world.machine(node).failOnce(operation, -1);
            world.machine(node).kill();
            world.machine(node).start();
          });
    }
  }

  /** The disk has little room for a while (D4). */
  record FullDisk(int node, long roomBytes, long ms) implements Fault {
    @Override
    public void happen(World world) {
      world.machine(node).room(roomBytes);
      world.later(ms, () -> world.machine(node).room(Long.MAX_VALUE));
    }
  }

  /** Bits of a log file rot, on the one machine where that happens in this run (D9, P14). */
  record Rot(int node, int file, long position, int mask) implements Fault {
    @Override
    public void happen(World world) {
      if (world.mayRot(node)) {
        world.machine(node).rot(file, position, mask);
      }
    }
  }
}
