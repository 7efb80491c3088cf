/**
 * The Java client against clusters of real server processes. Shell. Uses the client's public API
 * and the cluster harness only. Start at {@link io.kontiki.chaos.client.ClientFaultsTest}.
 */
@NullMarked
package io.kontiki.chaos.client;

import org.jspecify.annotations.NullMarked;
