package io.kontiki.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What a command may touch of its surroundings.
 *
 * @param in lines to produce
 * @param out answers, always UTF-8; buffered, flushed by the commands and at the end
 * @param err what went wrong, and remarks
 * @param env environment variables
 */
record Console(InputStream in, PrintStream out, PrintStream err, Map<String, String> env) {
  private static final int BUFFER_BYTES = 64 * 1024;

  /** The process's own. */
  static Console ofProcess() {
    return new Console(
        System.in, utf8(FileDescriptor.out), utf8(FileDescriptor.err), System.getenv());
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(
        new BufferedOutputStream(new FileOutputStream(descriptor), BUFFER_BYTES),
        false,
        StandardCharsets.UTF_8);
  }

  /** A remark on stderr, at once. */
  void remark(String line) {
    err.println(line);
    err.flush();
  }
}
