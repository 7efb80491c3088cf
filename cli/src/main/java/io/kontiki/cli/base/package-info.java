/**
 * What all parts of the command share: deadlines, exit codes, tables, times as people write them.
 *
 * <p>Knows no other part of the command. Start at {@code CliException}, which names the exit codes.
 */
@NullMarked
package io.kontiki.cli.base;

import org.jspecify.annotations.NullMarked;
