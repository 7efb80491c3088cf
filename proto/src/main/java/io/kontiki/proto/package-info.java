/**
 * What every user of the wire contract needs beside the generated classes: field 15 without a copy,
 * and errors as statuses and failures. Shell. Knows gRPC, protobuf and {@code io.kontiki.model};
 * may not know what a broker or a client does with a message. Start at {@link
 * io.kontiki.proto.PayloadMarshaller}, {@link io.kontiki.proto.PayloadMethods} and {@link
 * io.kontiki.proto.Statuses}.
 */
@NullMarked
package io.kontiki.proto;

import org.jspecify.annotations.NullMarked;
