package io.kontiki.kafka.real;

import java.util.List;

/**
 * A client that people have, and what of it is run while a broker is killed.
 *
 * @param name as in the page on compatibility, with its version
 * @param does what its program does
 * @param own whether it makes its topic itself
 * @param limit what it cannot do for a reason of its own, or nothing
 */
record RealClient(String name, String does, boolean own, String limit, Command command) {
  /** How it is brought and started. */
  interface Command {
    /**
     * @param bootstrap three brokers
     * @param topic also the group
     * @param flag a path at which a file appears when a broker was killed
     */
    List<String> of(ClientPrograms programs, String bootstrap, String topic, String flag)
        throws Exception;
  }

  /** The name of its topic and of its group. */
  String topic() {
    return name.replaceAll("[^A-Za-z0-9._-]+", "-");
  }
}
