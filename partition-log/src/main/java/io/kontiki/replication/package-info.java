/**
 * Leader and follower of one partition: in-sync set, high watermark, divergence, held ends; and the
 * replication streams between brokers as message sequences.
 *
 * <p><b>Pure.</b> Values in, values out: no thread, clock, file or socket; knows nothing of
 * metadata commands. The rules are those of {@code docs/correctness.md}, sections 3.4 and 3.5.
 */
@NullMarked
package io.kontiki.replication;

import org.jspecify.annotations.NullMarked;
