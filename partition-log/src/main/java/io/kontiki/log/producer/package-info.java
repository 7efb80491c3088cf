/**
 * What a log knows of idempotent producers (rules L8, I1 to I3, I6) and its snapshots.
 *
 * <p><b>Pure.</b> A function of the batches that it is shown. Start at {@link
 * io.kontiki.log.producer.ProducerState}.
 */
@NullMarked
package io.kontiki.log.producer;

import org.jspecify.annotations.NullMarked;
