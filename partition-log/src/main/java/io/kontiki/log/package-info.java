/**
 * The replicated log of a partition: storage.
 *
 * <p><b>Core over ports.</b> Knows files only as {@link io.kontiki.runtime.FileStore} and threads
 * only as {@link io.kontiki.runtime.EventLoop} and {@link io.kontiki.runtime.Worker}. Knows nothing
 * of leaders, metadata, Raft or the network. Start at {@link io.kontiki.log.PartitionLog}.
 */
@NullMarked
package io.kontiki.log;

import org.jspecify.annotations.NullMarked;
