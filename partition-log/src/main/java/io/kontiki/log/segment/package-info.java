/**
 * Segment files and their indexes, byte-compatible with Apache Kafka's; open files; the hot tail in
 * memory; small sealed files.
 *
 * <p><b>Core over ports.</b> Knows files only as {@link io.kontiki.runtime.FileStore}; knows
 * nothing of journals, producers or partitions. Start at {@link io.kontiki.log.segment.Segment}.
 */
@NullMarked
package io.kontiki.log.segment;

import org.jspecify.annotations.NullMarked;
