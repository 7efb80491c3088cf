package io.kontiki.runtime;

/** Time as an argument. Thread-safe. */
public interface Clock {
  /** Monotonic nanoseconds with an arbitrary origin: deadlines, sessions, leases (rule P17). */
  long nanoTime();

  /** Milliseconds since 1970 UTC: timestamps for display and retention only. */
  long wallMs();
}
