/**
 * {@code kontiki chaos run}: faults by seed on a cluster of real processes, clients that write down
 * what they see, and the verdict of the same checker that judges the simulator.
 *
 * <p><b>Shell.</b> Start at {@link io.kontiki.chaos.run.ChaosRun}.
 */
@NullMarked
package io.kontiki.chaos.run;

import org.jspecify.annotations.NullMarked;
