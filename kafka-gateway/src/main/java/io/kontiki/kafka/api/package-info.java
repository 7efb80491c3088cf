/**
 * One class per API, which translates between Kafka's messages and the plain types of {@code
 * broker.api} and decides nothing. <b>Shell</b>, but without sockets: works on the loop of the
 * connection. Start at {@link io.kontiki.kafka.api.Apis}.
 */
@NullMarked
package io.kontiki.kafka.api;

import org.jspecify.annotations.NullMarked;
