package io.kontiki.broker;

import io.kontiki.runtime.FaultHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A broken invariant ends the process at once, without shutdown hooks: what the node would still
 * write cannot be trusted.
 */
final class ProcessFaults implements FaultHandler {
  /** Exit code of a process that stopped itself, as sysexits.h has it for internal errors. */
  static final int EXIT_CODE = 70;

  private static final Logger LOG = LoggerFactory.getLogger(ProcessFaults.class);

  @Override
  public void onFault(String what, Throwable cause) {
    LOG.error("this node stops: {}", what, cause);
    Runtime.getRuntime().halt(EXIT_CODE);
  }
}
