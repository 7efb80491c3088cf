/**
 * Compaction by key (rule L6): which records go, what is left of their batches, and how new segment
 * files take the place of old ones. Works on files through {@code FileStore}, on whatever thread it
 * is called; knows nothing of loops, logs in memory, leaders. Begin with {@link
 * io.kontiki.log.clean.Cleaning}.
 */
@NullMarked
package io.kontiki.log.clean;

import org.jspecify.annotations.NullMarked;
