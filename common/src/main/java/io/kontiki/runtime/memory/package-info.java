/** The ports in memory: virtual time, seeded randomness, a disk that loses what was not synced. Ships in main because the simulator and users' tests run on it. */
@NullMarked
package io.kontiki.runtime.memory;

import org.jspecify.annotations.NullMarked;
