/**
 * Frames, requests and answers of the Kafka protocol on a connection. <b>Shell.</b> Bounds what a
 * client can make this broker hold; knows no topic and no partition. Start at {@link
 * io.kontiki.kafka.wire.KafkaConnection}.
 */
@NullMarked
package io.kontiki.kafka.wire;

import org.jspecify.annotations.NullMarked;
