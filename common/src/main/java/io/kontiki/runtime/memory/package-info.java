/**
 * The ports in memory: virtual time, seeded randomness, a disk that loses what was not synced.
 *
 * <p><b>Port</b> implementation that ships in main, because the simulator and users' tests run on
 * it. It knows nothing but the ports. Start at {@code SimulatedTime} and {@code MemoryFileStore}.
 */
@NullMarked
package io.kontiki.runtime.memory;

import org.jspecify.annotations.NullMarked;
