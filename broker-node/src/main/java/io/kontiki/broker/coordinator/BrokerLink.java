package io.kontiki.broker.coordinator;

import java.util.TreeSet;

/** A broker's link as its coordinator sees it. */
final class BrokerLink {
  /** Requests of one link that are worked on; a broker keeps fewer under way. */
  static final int REQUESTS = 4_096;

  final LinkOut out;

  /** Members whose streams the broker holds. */
  final TreeSet<Session> members = new TreeSet<>();

  /** Those of them that are to be told. */
  final TreeSet<Session> dirty = new TreeSet<>();

  int brokerId = -1;
  long brokerEpoch = -1;
  long lastHeard;
  long lastBeat;
  int requests;
  boolean opened;
  boolean over;

  BrokerLink(LinkOut out, long now) {
    this.out = out;
    this.lastHeard = now;
    this.lastBeat = now;
  }

  void send(LinkEvent event) {
    if (!over) {
      out.send(event);
    }
  }

  /** Whether the link speaks for the streams of that process. */
  boolean speaksFor(int broker, long epoch) {
    return brokerId == broker && brokerEpoch == epoch;
  }
}
