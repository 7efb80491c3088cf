/**
 * Configuration: flat keys, each declared once with unit, default and documentation; read from a
 * file, the environment and the command line; unknown keys are refused.
 *
 * <p><b>Pure</b>, but for the reader of the file. Start at {@code ConfigKey}.
 */
@NullMarked
package io.kontiki.config;

import org.jspecify.annotations.NullMarked;
