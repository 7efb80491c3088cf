/**
 * The history of leader epochs of one log and its file.
 *
 * <p><b>Pure</b>, but for the file that {@link io.kontiki.log.segment.SealedFile} writes. Start at
 * {@link io.kontiki.log.epoch.EpochHistory}.
 */
@NullMarked
package io.kontiki.log.epoch;

import org.jspecify.annotations.NullMarked;
