package io.kontiki.chaos.history;

import io.kontiki.chaos.history.Event.TopicSet;
import io.kontiki.model.Durability;

/** What was told about a topic so far. */
final class TopicFacts {
  private Durability durability = Durability.FSYNC;
  private int minInSync = 1;
  private boolean told;
  private boolean compacted;
  private boolean deleted;

  void onSet(TopicSet event) {
    durability = event.durability();
    minInSync = told ? Math.min(minInSync, event.minInSync()) : event.minInSync();
    compacted |= event.compacted();
    told = true;
  }

  void onDeleted() {
    deleted = true;
  }

  boolean compacted() {
    return compacted;
  }

  boolean deleted() {
    return deleted;
  }

  /** Whether what so many nodes had not synced may have been all that there was (P2). */
  boolean mayLoseBy(int lossyStops) {
    return durability == Durability.REPLICATED && lossyStops >= minInSync;
  }

  /** Whether so many disks may have been all that held a record (P1). */
  boolean mayLoseDisks(int disks) {
    return disks >= minInSync;
  }
}
