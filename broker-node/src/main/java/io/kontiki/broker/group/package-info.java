/**
 * Consumer groups as front doors use them: the edge of {@code Consume}, which is a member on behalf
 * of a client's stream, and the port through which it reaches the coordinators.
 *
 * <p><b>Pure.</b> Knows metadata images, {@code broker.api} and the values of {@code group}; knows
 * no protobuf and no sockets. Start at {@link io.kontiki.broker.group.Groups}.
 */
@NullMarked
package io.kontiki.broker.group;

import org.jspecify.annotations.NullMarked;
