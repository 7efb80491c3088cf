package io.kontiki.broker.metrics;

/** Told of what happens. Any thread; cheap; never throws. */
public interface BrokerMetrics {
  /** Counts nothing. */
  BrokerMetrics NONE =
      new BrokerMetrics() {
        @Override
        public void onRequest(String door, String method, String code, long nanos) {}

        @Override
        public void onStream(String method, int change) {}
      };

  /**
   * A unary call has ended.
   *
   * @param door "grpc" or "http"
   * @param method as {@code LogService/Produce}; of those that the contract names
   * @param code of the status, as "OK"
   */
  void onRequest(String door, String method, String code, long nanos);

  /**
   * A stream has begun or ended.
   *
   * @param change 1 or -1
   */
  void onStream(String method, int change);
}
