package io.kontiki.broker.group;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.model.ApiError;
import java.util.List;

/** A message of the client on a Consume stream. Partitions are named as the client named them. */
public sealed interface ConsumeAction {
  /** Joins. */
  record Subscribe(Subscription subscription) implements ConsumeAction {}

  /** Says what has been processed. */
  record Commit(List<Place> offsets) implements ConsumeAction {
    public Commit {
      offsets = List.copyOf(offsets);
    }
  }

  /** Gives up partitions that are being revoked. */
  record Release(List<Named> partitions) implements ConsumeAction {
    public Release {
      partitions = List.copyOf(partitions);
    }
  }

  /** Stops delivery. */
  record Pause(List<Named> partitions) implements ConsumeAction {
    public Pause {
      partitions = List.copyOf(partitions);
    }
  }

  /** Goes on with it. */
  record Resume(List<Named> partitions) implements ConsumeAction {
    public Resume {
      partitions = List.copyOf(partitions);
    }
  }

  /** Goes elsewhere. */
  record Seek(Named partition, StartSpec to) implements ConsumeAction {}

  /** Allows more bytes. */
  record Credit(long bytes) implements ConsumeAction {}

  /** None that could be read; ends the stream. */
  record Bad(ApiError error) implements ConsumeAction {}
}
