/**
 * Runs the examples of client-sdk in other languages against a cluster of real processes, through
 * brokers that are killed and frozen.
 *
 * <p>Shell. Knows the examples by their files and command lines alone. Start at {@code
 * ExamplesTest}.
 */
@NullMarked
package io.kontiki.chaos.examples;

import org.jspecify.annotations.NullMarked;
