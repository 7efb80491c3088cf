/**
 * Records in the formats of old clients: message sets of versions 0 and 1, in and out. <b>Pure</b>,
 * but takes time and memory, within limits: never on a loop. Start at {@link
 * io.kontiki.kafka.convert.MessageSet}.
 */
@NullMarked
package io.kontiki.kafka.convert;

import org.jspecify.annotations.NullMarked;
