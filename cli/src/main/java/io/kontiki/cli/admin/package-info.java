/**
 * The admin service as seen from a command line: JSON values, a small HTTP client, the choice of
 * the broker to ask.
 *
 * <p><b>Shell.</b> Knows no command and prints nothing. Start at {@code AdminClient}.
 */
@NullMarked
package io.kontiki.cli.admin;

import org.jspecify.annotations.NullMarked;
