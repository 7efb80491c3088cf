/**
 * The node's part in the metadata quorum: Raft group or watch stream, sessions, forming.
 * <b>Shell</b> around {@code broker.session} and {@code metadata}; decides nothing. Start at {@code
 * MetadataClient}.
 */
@NullMarked
package io.kontiki.broker.quorum;

import org.jspecify.annotations.NullMarked;
