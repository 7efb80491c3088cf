package io.kontiki.chaos.simulation;

import io.kontiki.model.Acks;

/**
 * A producer that a run has.
 *
 * @param idempotent it has a producer id and sends until it is told; else it sends once
 * @param thin it streams plain records to any broker, which makes batches of them and finds the
 *     leaders; its sequences count its requests (I6)
 */
public record ProducerPlan(Acks acks, boolean idempotent, boolean thin) {
  /** One that makes its batches itself. */
  public ProducerPlan(Acks acks, boolean idempotent) {
    this(acks, idempotent, false);
  }
}
