/**
 * A cluster in one thread: brokers made of the server's own parts, clients, a network, disks and a
 * quorum on virtual time, decided by one seed.
 *
 * <ul>
 *   <li>{@link io.kontiki.chaos.simulation.World} is what a scenario works with: it starts brokers,
 *       makes topics and clients, cuts links, lets time pass, and looks at everything after each
 *       step. {@link io.kontiki.chaos.simulation.SimMachine} is one broker's machine: kill, power
 *       cut, pause, disk.
 *   <li>{@link io.kontiki.chaos.simulation.Plan} says what a run is like, {@link
 *       io.kontiki.chaos.simulation.Schedule} what goes wrong when; both come from the seed.
 *   <li>{@link io.kontiki.chaos.simulation.Ledger} holds what was seen, and the invariants; each
 *       {@link io.kontiki.chaos.simulation.Violation} names its rule of docs/correctness.md.
 *   <li>{@link io.kontiki.chaos.simulation.Simulation} plays a seed; {@link
 *       io.kontiki.chaos.simulation.SimulateMain} is the program.
 * </ul>
 *
 * <p>Between the parts there is gRPC as in a server, over channels on virtual time, and the streams
 * of replication; Raft is a model ({@code raft.memory}) that loses nothing that is committed.
 */
@NullMarked
package io.kontiki.chaos.simulation;

import org.jspecify.annotations.NullMarked;
