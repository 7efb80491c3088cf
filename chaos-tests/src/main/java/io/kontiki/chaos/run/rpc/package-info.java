/**
 * Single calls of the public contract, as a client without a library makes them: the message types
 * stay in here.
 *
 * <p><b>Shell.</b> Start at {@link io.kontiki.chaos.run.rpc.ThinSender}.
 */
@NullMarked
package io.kontiki.chaos.run.rpc;

import org.jspecify.annotations.NullMarked;
