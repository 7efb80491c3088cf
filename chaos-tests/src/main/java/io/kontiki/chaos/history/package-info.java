/**
 * What clients saw, and what is wrong with it. Pure. Knows nothing of clusters and clients: the
 * same checker judges a simulation and real processes. Start at {@link
 * io.kontiki.chaos.history.HistoryChecker}.
 */
@NullMarked
package io.kontiki.chaos.history;

import org.jspecify.annotations.NullMarked;
