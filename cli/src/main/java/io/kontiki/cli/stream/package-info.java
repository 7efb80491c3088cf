/**
 * Records in and out over gRPC with nothing but the generated stubs of the log service.
 *
 * <p><b>Shell.</b> Knows no command and prints nothing. Loaded only by commands that move records.
 * Start at {@code RecordSink} and {@code RecordSource}.
 */
@NullMarked
package io.kontiki.cli.stream;

import org.jspecify.annotations.NullMarked;
