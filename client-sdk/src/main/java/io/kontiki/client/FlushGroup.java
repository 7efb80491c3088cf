package io.kontiki.client;

import java.util.concurrent.CompletableFuture;

/** Records between two flushes; done when each has its outcome. Belongs to the loop. */
final class FlushGroup {
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private long open;
  private boolean closed;

  void enter() {
    open++;
  }

  void leave() {
    open--;
    maybeDone();
  }

  /** No more records come. */
  CompletableFuture<Void> close() {
    closed = true;
    maybeDone();
    return done;
  }

  boolean isDone() {
    return done.isDone();
  }

  private void maybeDone() {
    if (closed && open == 0) {
      done.complete(null);
    }
  }
}
