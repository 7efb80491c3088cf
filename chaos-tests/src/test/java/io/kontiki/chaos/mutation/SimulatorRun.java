package io.kontiki.chaos.mutation;

import io.kontiki.chaos.simulation.Simulation;
import io.kontiki.chaos.simulation.Trace;
import io.kontiki.chaos.simulation.Violation;

/** A seed of the simulator; loaded with the classes of a mutant. */
final class SimulatorRun {
  private SimulatorRun() {}

  static void playSeed(long seed) {
    Violation found = Simulation.run(seed, new Trace(false)).violation();
    if (found != null) {
      throw found;
    }
  }
}
