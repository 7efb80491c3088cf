package io.kontiki.chaos.model;

/** The partition's entry, and what is known of brokers. */
final class Metadata {
  static final int NO_LEADER = -1;

  int leader = NO_LEADER;
  int leaderEpoch;
  int partitionEpoch;
  int isr;
  int elr;
  int lastKnownElr;
  int fenced;
  int[] brokerEpochs = new int[Rules.BROKERS];

  Metadata copy() {
    Metadata copy = new Metadata();
    copy.leader = leader;
    copy.leaderEpoch = leaderEpoch;
    copy.partitionEpoch = partitionEpoch;
    copy.isr = isr;
    copy.elr = elr;
    copy.lastKnownElr = lastKnownElr;
    copy.fenced = fenced;
    copy.brokerEpochs = brokerEpochs.clone();
    return copy;
  }

  boolean isFenced(int broker) {
    return Members.has(fenced, broker);
  }

  @Override
  public String toString() {
    return "leader="
        + leader
        + " epoch="
        + leaderEpoch
        + " partitionEpoch="
        + partitionEpoch
        + " isr="
        + Members.text(isr)
        + " elr="
        + Members.text(elr)
        + " lastKnownElr="
        + Members.text(lastKnownElr)
        + " fenced="
        + Members.text(fenced);
  }
}
