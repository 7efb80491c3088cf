package io.kontiki.chaos.mutation;

import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * One seed of a simulation, or one directed test, played with the classes of a loader.
 *
 * @param name for people
 * @param play what to do
 */
record SeedRun(String name, Play play) {
  /** The simulator of whole brokers. */
  static final SeedRun SIMULATION =
      simulation("SIMULATION", "io.kontiki.chaos.mutation.SimulatorRun");

  private static final String REPLICATION = "io.kontiki.broker.partition.ReplicationSimulationTest";

  /** Partitions of three brokers, with a stand-in for the metadata leader and simple logs. */
  static final SeedRun REPLICATION_REPLICATED =
      simulation("REPLICATION_REPLICATED", REPLICATION, "REPLICATED", false);

  /** The same with synced logs. */
  static final SeedRun REPLICATION_FSYNC =
      simulation("REPLICATION_FSYNC", REPLICATION, "FSYNC", false);

  /** The same on the storage engine. */
  static final SeedRun REPLICATION_ENGINE =
      simulation("REPLICATION_ENGINE", REPLICATION, "FSYNC", true);

  /** Sessions, leases, judgement and the state machine. */
  static final SeedRun SESSIONS =
      simulation("SESSIONS", "io.kontiki.broker.session.SessionSimulationTest");

  /** Voters that form a cluster, and lose their disks. */
  static final SeedRun VOTERS =
      simulation("VOTERS", "io.kontiki.broker.session.VoterSimulationTest");

  /** One log directory, killed and cut from power between any two file operations. */
  static final SeedRun CRASHES = simulation("CRASHES", "io.kontiki.log.CrashPropertyTest");

  /** Random commands at the state machine. */
  static final SeedRun COMMANDS =
      simulation("COMMANDS", "io.kontiki.metadata.MetadataMachinePropertyTest");

  /** Groups: edges, links, coordinators and state machine of three nodes. */
  static final SeedRun GROUPS =
      simulation("GROUPS", "io.kontiki.broker.group.GroupsSimulationTest");

  /** Consume streams at one edge, over the real state machine. */
  static final SeedRun CONSUME =
      simulation("CONSUME", "io.kontiki.broker.group.ConsumePropertyTest");

  /** Random commands at the state machine of groups. */
  static final SeedRun GROUP_COMMANDS =
      simulation("GROUP_COMMANDS", "io.kontiki.group.GroupMachinePropertyTest");

  /** The golden scenarios of replication, one a seed: something else comes of one. */
  static final SeedRun SCENARIOS = new SeedRun("SCENARIOS", SeedRun::playScenario);

  /** All but directed tests. */
  static final List<SeedRun> SIMULATIONS =
      List.of(
          SIMULATION,
          REPLICATION_REPLICATED,
          REPLICATION_FSYNC,
          REPLICATION_ENGINE,
          SESSIONS,
          VOTERS,
          CRASHES,
          COMMANDS,
          GROUPS,
          CONSUME,
          GROUP_COMMANDS,
          SCENARIOS);

  /** Plays; ends in an {@link InvocationTargetException} if something is noticed. */
  interface Play {
    void seed(ClassLoader loader, long seed) throws ReflectiveOperationException;
  }

  /** A simulation's static {@code playSeed(seed, more...)}. */
  private static SeedRun simulation(String name, String className, Object... more) {
    return new SeedRun(
        name,
        (loader, seed) -> {
          Object[] arguments = new Object[more.length + 1];
          arguments[0] = seed;
          System.arraycopy(more, 0, arguments, 1, more.length);
          call(loader, className, "playSeed", arguments);
        });
  }

  /** A test of one of the modules, for what random testing cannot show; it has one seed. */
  static SeedRun directed(String className, String method) {
    String name = className.substring(className.lastIndexOf('.') + 1) + "." + method;
    return new SeedRun(
        name,
        (loader, seed) -> {
          Class<?> test = Class.forName(className, true, loader);
          Constructor<?> constructor = test.getDeclaredConstructor();
          constructor.setAccessible(true);
          Object instance = constructor.newInstance();
          each(BeforeEach.class, test, instance);
          invoke(test.getDeclaredMethod(method), instance);
          each(AfterEach.class, test, instance);
        });
  }

  private static void each(Class<? extends Annotation> when, Class<?> test, Object instance)
      throws ReflectiveOperationException {
    for (Method one : test.getDeclaredMethods()) {
      if (one.isAnnotationPresent(when)) {
        invoke(one, instance);
      }
    }
  }

  private static void playScenario(ClassLoader loader, long seed)
      throws ReflectiveOperationException {
    List<Path> files = SourceTree.find().scenarios();
    Path file = files.get((int) (seed % files.size()));
    String expected = SourceTree.readFile(file);
    String test = "io.kontiki.broker.partition.GoldenScenariosTest";
    if (!expected.equals(call(loader, test, "play", expected))) {
      throw new InvocationTargetException(
          new AssertionError("something else comes of " + file.getFileName()));
    }
  }

  static SeedRun of(String name) {
    return SIMULATIONS.stream()
        .filter(one -> one.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(name + " is none of the simulations " + SIMULATIONS));
  }

  /** What is noticed, in one line, or null. */
  @Nullable String notice(ClassLoader loader, long seed) {
    try {
      play.seed(loader, seed);
      return null;
    } catch (InvocationTargetException e) {
      return oneLine(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(name + " has changed its shape", e);
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
        return invoke(one, null, arguments);
      }
    }
    throw new NoSuchMethodException(className + "." + name);
  }

  private static @Nullable Object invoke(
      Method method, @Nullable Object instance, Object... arguments)
      throws ReflectiveOperationException {
    method.setAccessible(true);
    return method.invoke(instance, arguments);
  }

  @Override
  public String toString() {
    return name;
  }
}
