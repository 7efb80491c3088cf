/**
 * The one request path: what every front door (gRPC, JSON, Kafka) calls, with plain request and
 * answer types; routing and forwarding (rule R45).
 *
 * <p><b>Pure.</b> Knows metadata images and partitions; knows no protobuf, no sockets and no
 * threads but the loops it is told. Start at {@link io.kontiki.broker.api.PartitionRequests} and
 * {@link io.kontiki.broker.api.Metadata}.
 */
@NullMarked
package io.kontiki.broker.api;

import org.jspecify.annotations.NullMarked;
