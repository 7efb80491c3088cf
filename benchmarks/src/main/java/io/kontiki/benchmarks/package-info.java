/**
 * Benchmarks of the log engine, each next to what the machine does without it.
 *
 * <p><b>Shell.</b> Start at {@link io.kontiki.benchmarks.JournalTable} and the README of the
 * module.
 */
@NullMarked
package io.kontiki.benchmarks;

import org.jspecify.annotations.NullMarked;
