package io.kontiki.broker.api;

import io.kontiki.model.ApiError;
import java.util.List;

/** The end of a produce request. */
public sealed interface ProduceAnswer {
  /** Every record is held as the acks demand; one position per record, in order. */
  record Produced(List<Position> positions) implements ProduceAnswer {}

  /** Refused (nothing was appended), or unknown, as the error says. */
  record Failed(ApiError error) implements ProduceAnswer {}

  /**
   * Where a record went.
   *
   * @param offset -1 with acks none
   */
  record Position(int partition, long offset) {}
}
