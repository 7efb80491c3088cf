package io.kontiki.broker.door;

import io.kontiki.model.Endpoint;
import java.io.IOException;

/**
 * A protocol in which clients reach the broker, besides gRPC and HTTP.
 *
 * <ul>
 *   <li>Found by {@link java.util.ServiceLoader}, so that the broker does not depend on it.
 *   <li>Opened once, if {@code NAME.listen} is set, before the broker registers; from then on it
 *       may be asked anything, also while the broker still recovers ({@link DoorServices#state}).
 *   <li>Its connections live on the data loops, where nothing may block.
 * </ul>
 */
public interface FrontDoor {
  /** What stands before {@code .listen} in its configuration key. */
  String name();

  /**
   * Binds; waits for that, so not to be called on a loop.
   *
   * @throws IOException if the address cannot be bound
   */
  OpenDoor open(Endpoint listen, DoorServices services) throws IOException;

  /** A door that listens. */
  interface OpenDoor extends AutoCloseable {
    /** The port that was bound. */
    int port();

    /** Stops listening, and closes what is open. */
    @Override
    void close();
  }
}
