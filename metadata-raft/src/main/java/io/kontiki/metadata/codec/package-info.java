/**
 * The protobuf form of commands, outcomes and images.
 *
 * <p><b>Pure</b>, and the only package of the metadata that knows generated types; none of them
 * shows in its API. Start at {@link io.kontiki.metadata.codec.MetadataCommandCodec}.
 */
@NullMarked
package io.kontiki.metadata.codec;

import org.jspecify.annotations.NullMarked;
