/**
 * The cluster metadata: an immutable image, the commands that change it, and their application as a
 * pure function of (image, command).
 *
 * <p><b>Pure</b>, but for {@code metadata.codec}, which knows the protobuf form. Knows nothing of
 * Raft, logs, clocks or the network. Start at {@link io.kontiki.metadata.ClusterImage} and {@link
 * io.kontiki.metadata.MetadataCommand}.
 */
@NullMarked
package io.kontiki.metadata;

import org.jspecify.annotations.NullMarked;
