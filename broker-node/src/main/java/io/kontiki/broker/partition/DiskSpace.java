package io.kontiki.broker.partition;

/** How much room the disk of the log directory has (rule D4). */
public enum DiskSpace {
  /** No reason to refuse anything. */
  ENOUGH,
  /** The reserve is touched: leaders refuse produce, replicas go on appending. */
  SCARCE,
  /** Half of the reserve is gone: replicas stop appending and acknowledging, too. */
  EXHAUSTED
}
