package io.kontiki.chaos.mutation;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;

/** One seed of one simulation, played with the classes of a loader. */
enum SeedRun {
  /** The simulator of whole brokers. */
  SIMULATION {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      Object trace = construct(loader, SIMULATOR + "Trace", false);
      Class<?> type = Class.forName(SIMULATOR + "Simulation", true, loader);
      Object outcome = call(type, null, "run", seed, trace);
      Object violation = call(outcome.getClass(), outcome, "violation");
      if (violation instanceof Throwable found) {
        throw new InvocationTargetException(found);
      }
    }
  },
  /** Partitions of three brokers, with a stand-in for the metadata leader and simple logs. */
  REPLICATION_FSYNC {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      replication(loader, seed, "FSYNC", false);
    }
  },
  REPLICATION_REPLICATED {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      replication(loader, seed, "REPLICATED", false);
    }
  },
  /** The same on the storage engine. */
  REPLICATION_ENGINE {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      replication(loader, seed, "FSYNC", true);
    }
  },
  /** Sessions, leases, judgement and the state machine. */
  SESSIONS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      Object world = construct(loader, PACKAGE + "session.SessionSimulationTest$World", seed);
      call(world.getClass(), world, "run");
    }
  },
  /** Voters that form a cluster, and lose their disks. */
  VOTERS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      Class<?> type = Class.forName(PACKAGE + "session.VoterSimulationTest", true, loader);
      call(type, null, "play", seed, seed % 4 == 0 ? 5 : 3, false);
    }
  },
  /** One log directory, killed and cut from power between any two file operations. */
  CRASHES {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      Object run = construct(loader, "io.kontiki.log.CrashPropertyTest$Run", seed, seed % 2 == 0);
      call(run.getClass(), run, "all");
    }
  },
  /** Random commands at the state machine. */
  COMMANDS {
    @Override
    void play(ClassLoader loader, long seed) throws ReflectiveOperationException {
      Object test = construct(loader, "io.kontiki.metadata.MetadataMachinePropertyTest");
      call(test.getClass(), test, "run", seed, 250);
    }
  };

  private static final String SIMULATOR = "io.kontiki.chaos.simulation.";
  private static final String PACKAGE = "io.kontiki.broker.";

  /** Ends in an exception or error if something is noticed. */
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

  private static void replication(ClassLoader loader, long seed, String durability, boolean engine)
      throws ReflectiveOperationException {
    Class<?> type = Class.forName("io.kontiki.model.Durability", true, loader);
    Object chosen = type.getMethod("valueOf", String.class).invoke(null, durability);
    Object run =
        construct(
            loader, PACKAGE + "partition.ReplicationSimulationTest$Run", seed, chosen, engine);
    call(run.getClass(), run, "go");
  }

  private static Object construct(ClassLoader loader, String className, Object... arguments)
      throws ReflectiveOperationException {
    for (Constructor<?> one : Class.forName(className, true, loader).getDeclaredConstructors()) {
      if (one.getParameterCount() == arguments.length) {
        one.setAccessible(true);
        return one.newInstance(arguments);
      }
    }
    throw new NoSuchMethodException(className);
  }

  private static @Nullable Object call(
      Class<?> type, @Nullable Object object, String name, Object... arguments)
      throws ReflectiveOperationException {
    for (Method one : type.getDeclaredMethods()) {
      if (one.getName().equals(name) && one.getParameterCount() == arguments.length) {
        one.setAccessible(true);
        return one.invoke(object, arguments);
      }
    }
    throw new NoSuchMethodException(type + "." + name);
  }
}
