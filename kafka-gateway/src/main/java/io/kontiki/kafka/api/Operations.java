package io.kontiki.kafka.api;

/** What a client may do, as bits: everything, as there is no authorisation. */
final class Operations {
  private static final int READ = 3;
  private static final int WRITE = 4;
  private static final int CREATE = 5;
  private static final int DELETE = 6;
  private static final int ALTER = 7;
  private static final int DESCRIBE = 8;
  private static final int CLUSTER_ACTION = 9;
  private static final int DESCRIBE_CONFIGS = 10;
  private static final int ALTER_CONFIGS = 11;
  private static final int IDEMPOTENT_WRITE = 12;

  /** With a topic. */
  static final int TOPIC =
      bits(READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS);

  /** With the cluster. */
  static final int CLUSTER =
      bits(
          CREATE,
          ALTER,
          DESCRIBE,
          CLUSTER_ACTION,
          DESCRIBE_CONFIGS,
          ALTER_CONFIGS,
          IDEMPOTENT_WRITE);

  /** With a group. */
  static final int GROUP = bits(READ, DELETE, DESCRIBE);

  private Operations() {}

  private static int bits(int... operations) {
    int all = 0;
    for (int operation : operations) {
      all |= 1 << operation;
    }
    return all;
  }
}
