package io.kontiki.client;

import io.kontiki.model.Endpoint;

/**
 * Who leads a partition.
 *
 * @param brokerId its id
 * @param endpoint of its gRPC service
 * @param epoch in which it leads
 */
record Leader(int brokerId, Endpoint endpoint, int epoch) {}
