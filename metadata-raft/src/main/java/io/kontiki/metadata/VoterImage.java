package io.kontiki.metadata;

import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * A voter of the metadata quorum (rule M15).
 *
 * @param directoryId of the disk that votes; null: it was listed but has never been admitted
 */
public record VoterImage(int id, Endpoint raft, @Nullable Uid directoryId) {}
