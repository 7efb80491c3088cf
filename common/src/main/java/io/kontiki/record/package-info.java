/**
 * The record batch, version 2 of Apache Kafka's format: the unit on disk, between brokers and on
 * the fast path.
 *
 * <p><b>Pure.</b> Bytes in, values out; input from outside gives typed errors only. Start at {@link
 * io.kontiki.record.RecordBatch}.
 */
@NullMarked
package io.kontiki.record;

import org.jspecify.annotations.NullMarked;
