/**
 * The ports through which everything that must be right sees the world: time, randomness, event
 * loops and files.
 *
 * <p><b>Port.</b> Each has a real implementation ({@code runtime.system}, and the Netty loop in the
 * broker) and an in-memory one ({@code runtime.memory}, virtual time and disks that lose what was
 * not synced), so that the same cores run in the server and in the simulator.
 */
@NullMarked
package io.kontiki.runtime;

import org.jspecify.annotations.NullMarked;
