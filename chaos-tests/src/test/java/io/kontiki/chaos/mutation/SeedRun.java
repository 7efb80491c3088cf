package io.kontiki.chaos.mutation;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One seed of one simulation, played with the classes of a loader. */
enum SeedRun {
  /** The simulator of whole brokers. */
  SIMULATION {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, "io.kontiki.chaos.mutation.SimulatorRun", "playSeed", seed);
    }
  },
  /** Partitions of three brokers, with a stand-in for the metadata leader and simple logs. */
  REPLICATION_FSYNC {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, REPLICATION, "playSeed", seed, "FSYNC", false);
    }
  },
  REPLICATION_REPLICATED {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, REPLICATION, "playSeed", seed, "REPLICATED", false);
    }
  },
  /** The same on the storage engine. */
  REPLICATION_ENGINE {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, REPLICATION, "playSeed", seed, "FSYNC", true);
    }
  },
  /** Sessions, leases, judgement and the state machine. */
  SESSIONS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, "io.kontiki.broker.session.SessionSimulationTest", "playSeed", seed);
    }
  },
  /** Voters that form a cluster, and lose their disks. */
  VOTERS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, "io.kontiki.broker.session.VoterSimulationTest", "playSeed", seed);
    }
  },
  /** One log directory, killed and cut from power between any two file operations. */
  CRASHES {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, "io.kontiki.log.CrashPropertyTest", "playSeed", seed);
    }
  },
  /** Random commands at the state machine. */
  COMMANDS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      call(loader, "io.kontiki.metadata.MetadataMachinePropertyTest", "playSeed", seed);
    }
  },
  /** The golden scenarios of replication, one a seed: something else comes of one. */
  SCENARIOS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      List<Path> files = SourceTree.find().scenarios();
      Path file = files.get((int) (seed % files.size()));
      String expected = SourceTree.readFile(file);
      String test = "io.kontiki.broker.partition.GoldenScenariosTest";
      if (!expected.equals(call(loader, test, "play", expected))) {
        throw new InvocationTargetException(
            new AssertionError("something else comes of " + file.getFileName()));
      }
    }
  };

  private static final String REPLICATION = "io.kontiki.broker.partition.ReplicationSimulationTest";

  /** Ends in an {@link InvocationTargetException} if something is noticed. */
  abstract void play(ClassLoader loader, long seed) throws ReflectiveOperationException;

  /** What is noticed, in one line, or null. */
  @Nullable String notice(ClassLoader loader, long seed) {
    try {
      play(loader, seed);
      return null;
    } catch (InvocationTargetException e) {
      return oneLine(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(this + " has changed its shape", e);
    }
  }

  private static String oneLine(Throwable cause) {
    String text = String.valueOf(cause).replaceAll("\\s+", " ");
    return text.length() <= 160 ? text : text.substring(0, 157) + "...";
  }

  /** A static method; classes of tests are not public, and their loader is another one. */
  private static @Nullable Object call(
      ClassLoader loader, String className, String name, Object... arguments)
      throws ReflectiveOperationException {
    for (Method one : Class.forName(className, true, loader).getDeclaredMethods()) {
      if (one.getName().equals(name) && one.getParameterCount() == arguments.length) {
        one.setAccessible(true);
        return one.invoke(null, arguments);
      }
    }
    throw new NoSuchMethodException(className + "." + name);
  }
}
