/**
 * The demonstration: three servers, a load, the death of a leader, and the check of what was
 * promised.
 *
 * <p><b>Shell</b>, but for {@code HistoryCheck}, which is pure. Start at {@code Demo}.
 */
@NullMarked
package io.kontiki.cli.demo;

import org.jspecify.annotations.NullMarked;
