/**
 * The HTTP port: AdminService in JSON (Connect's unary form), metrics and health.
 *
 * <p><b>Shell.</b> HTTP/1.1 on Netty; every call is one of the table in {@code broker.rpc}. Start
 * at {@link io.kontiki.broker.http.HttpDoor}.
 */
@NullMarked
package io.kontiki.broker.http;

import org.jspecify.annotations.NullMarked;
