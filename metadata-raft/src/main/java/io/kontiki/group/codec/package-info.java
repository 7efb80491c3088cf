/**
 * Commands, answers and snapshots of consumer groups as bytes (protobuf, {@code group.proto}).
 *
 * <p><b>Edge.</b> The only place where group values meet messages; knows nothing of Raft. Start at
 * {@link io.kontiki.group.codec.GroupCommandCodec}.
 */
@NullMarked
package io.kontiki.group.codec;

import org.jspecify.annotations.NullMarked;
