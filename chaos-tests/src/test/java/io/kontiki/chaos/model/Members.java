package io.kontiki.chaos.model;

/** Sets of brokers as bits. */
final class Members {
  static final int NONE = 0;
  static final int ALL = (1 << Rules.BROKERS) - 1;

  private Members() {}

  static int of(int broker) {
    return 1 << broker;
  }

  static boolean has(int set, int broker) {
    return (set >> broker & 1) != 0;
  }

  static int without(int set, int broker) {
    return set & ~of(broker);
  }

  static int size(int set) {
    return Integer.bitCount(set);
  }

  static String text(int set) {
    StringBuilder text = new StringBuilder("{");
    for (int i = 0; i < Rules.BROKERS; i++) {
      if (has(set, i)) {
        text.append(i);
      }
    }
    return text.append('}').toString();
  }
}
