/**
 * Clients of the cluster under test: who writes, reads, shares the reading in groups and
 * administers, and writes down in a history what it did and saw.
 *
 * <p><b>Shell.</b> Knows nothing of faults. Start at {@link io.kontiki.chaos.run.load.Workload}.
 */
@NullMarked
package io.kontiki.chaos.run.load;

import org.jspecify.annotations.NullMarked;
