/**
 * The server process: its main class, its composition root, its logging.
 *
 * <p><b>Shell.</b> Wires cores, ports and sockets by hand and decides nothing. Start at {@code
 * BrokerMain}.
 */
@NullMarked
package io.kontiki.broker;

import org.jspecify.annotations.NullMarked;
