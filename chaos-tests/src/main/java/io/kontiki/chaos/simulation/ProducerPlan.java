package io.kontiki.chaos.simulation;

import io.kontiki.model.Acks;

/**
 * A producer that a run has.
 *
 * @param idempotent it has a producer id and sends until it is told; else it sends once
 */
public record ProducerPlan(Acks acks, boolean idempotent) {}
