package io.kontiki.client;

import io.kontiki.model.Endpoint;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * How a client reaches the cluster.
 *
 * @param bootstrap gRPC addresses of some brokers; the others are learnt. Two or more, since one
 *     may be down or frozen when the client starts
 * @param callTimeout of each administrative call, repetitions included. A broker that does not
 *     answer within 0.4 s is not waited for alone: the next one is asked as well, unless a change
 *     has left the client already, whose outcome would then be unknown
 */
public record ClientOptions(List<Endpoint> bootstrap, Duration callTimeout) {
  public ClientOptions {
    bootstrap = List.copyOf(bootstrap);
    if (bootstrap.isEmpty()) {
      throw new IllegalArgumentException("bootstrap names no broker; HOST:PORT[,HOST:PORT...]");
    }
    if (callTimeout.isNegative() || callTimeout.isZero()) {
      throw new IllegalArgumentException("callTimeout " + callTimeout + " is not positive");
    }
  }

  /**
   * The defaults.
   *
   * @param bootstrap {@code HOST:PORT[,HOST:PORT...]}
   */
  public static ClientOptions of(String bootstrap) {
    List<Endpoint> endpoints =
        Arrays.stream(bootstrap.split(",", -1)).map(part -> Endpoint.parse(part.strip())).toList();
    return new ClientOptions(endpoints, Duration.ofSeconds(30));
  }

  /** The same with another time limit of calls. */
  public ClientOptions withCallTimeout(Duration timeout) {
    return new ClientOptions(bootstrap, timeout);
  }
}
