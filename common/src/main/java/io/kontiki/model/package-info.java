/**
 * The identifiers and closed choices that every room shares.
 *
 * <p><b>Pure.</b> Knows nothing of files, sockets, threads or generated protobuf types. Start at
 * {@link io.kontiki.model.PartitionId} and {@link io.kontiki.model.ApiError}.
 */
@NullMarked
package io.kontiki.model;

import org.jspecify.annotations.NullMarked;
