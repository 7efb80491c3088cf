package io.kontiki.broker.partition;

import io.kontiki.model.Endpoint;

/**
 * A broker, as metadata know it.
 *
 * @param epoch of its newest registration
 * @param replication where it takes replication streams
 * @param active unfenced and not stopping: may enter an in-sync set (rule R13)
 */
public record BrokerInfo(int id, long epoch, Endpoint replication, boolean active) {}
