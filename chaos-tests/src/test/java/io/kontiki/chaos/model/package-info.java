/**
 * A small executable model of replication with an atomic metadata log (docs/correctness.md 3.10):
 * one partition, three brokers, messages that are lost, doubled and out of order, stops of every
 * kind. Each rule can be switched off; then a promise must break within a known number of seeds.
 *
 * <p>It says which rules random testing can show to be needed, and how fast. It shares no code with
 * what it is a model of. Start at {@link io.kontiki.chaos.model.Model}.
 */
@NullMarked
package io.kontiki.chaos.model;

import org.jspecify.annotations.NullMarked;
