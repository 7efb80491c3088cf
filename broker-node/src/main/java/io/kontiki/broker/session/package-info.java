/**
 * Who lives: a broker's session, lease and controlled stop (R1, R4, R5, R7), the metadata leader's
 * judgement of all brokers (R6, M5, M6, M7, M14), and the forming of a cluster (M15).
 *
 * <p><b>Pure.</b> Events in, actions out, time as an argument; each object belongs to one loop.
 * Knows images and commands, nothing of streams, Raft or the clock. Start at {@link
 * io.kontiki.broker.session.BrokerSession} and {@link
 * io.kontiki.broker.session.ControllerSessions}.
 */
@NullMarked
package io.kontiki.broker.session;

import org.jspecify.annotations.NullMarked;
