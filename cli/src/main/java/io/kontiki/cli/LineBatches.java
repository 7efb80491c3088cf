package io.kontiki.cli;

import io.kontiki.cli.base.CliException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads lines ahead on a thread of its own, so that what has come while a request was under way
 * goes together into the next. A batch is as large as it has become when it is asked for, within
 * bounds; the reader waits when it is full.
 */
final class LineBatches {
  /** Below what topics take in one batch by default. */
  private static final int MAX_BATCH_BYTES = 512 * 1024;

  private static final int MAX_BATCH_LINES = 5_000;
  private static final int MAX_LINE_BYTES = 16 * 1024 * 1024;
  private static final int BUFFER_BYTES = 64 * 1024;

  private final InputStream in;
  private List<byte[]> open = new ArrayList<>();
  private int openBytes;
  private boolean ended;
  private @Nullable String failure;

  LineBatches(InputStream in) {
    this.in = in;
  }

  /** Begins to read. */
  void start() {
    Thread thread = new Thread(this::read, "stdin");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Waits for at least one line.
   *
   * @return empty at the end of the input
   * @throws CliException if the input cannot be read
   */
  synchronized List<byte[]> take() {
    while (open.isEmpty() && !ended) {
      await();
    }
    if (open.isEmpty() && failure != null) {
      throw CliException.failed(failure);
    }
    List<byte[]> batch = open;
    open = new ArrayList<>();
    openBytes = 0;
    notifyAll();
    return batch;
  }

  private void read() {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    byte[] buffer = new byte[BUFFER_BYTES];
    String problem = null;
    try {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        int start = 0;
        for (int i = 0; i < count; i++) {
          if (buffer[i] == '\n') {
            line.write(buffer, start, i - start);
            add(line.toByteArray());
            line.reset();
            start = i + 1;
          }
        }
        line.write(buffer, start, count - start);
        if (line.size() > MAX_LINE_BYTES) {
          throw new IOException("a line has more than " + MAX_LINE_BYTES + " bytes");
        }
      }
      if (line.size() > 0) {
        add(line.toByteArray());
      }
    } catch (IOException e) {
      problem = "cannot read the input: " + e.getMessage();
    }
    end(problem);
  }

  private synchronized void add(byte[] line) {
    while (!open.isEmpty()
        && (open.size() >= MAX_BATCH_LINES || openBytes + line.length > MAX_BATCH_BYTES)) {
      await();
    }
    open.add(line);
    openBytes += line.length;
    notifyAll();
  }

  private synchronized void end(@Nullable String problem) {
    failure = problem;
    ended = true;
    notifyAll();
  }

  /** The callers check their condition again: monitors wake up without a reason. */
  @SuppressWarnings("WaitNotInLoop")
  private void await() {
    try {
      wait();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw CliException.failed("interrupted");
    }
  }
}
