package io.kontiki.broker.partition;

import io.kontiki.model.Durability;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.EventLoop;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** The in-memory logs of one broker, on real loops. */
public final class TestLogs {
  private final Map<PartitionId, TestLog> logs = new ConcurrentSkipListMap<>();
  private final Durability durability;

  public TestLogs(Durability durability) {
    this.durability = durability;
  }

  /** Opens logs for a loop. */
  public PartitionLogs on(EventLoop loop) {
    return (assignment, listener, completion) -> {
      TestLog log =
          new TestLog(assignment.id(), durability, new TestDisk(), loop, () -> 200_000, listener);
      logs.put(assignment.id(), log);
      completion.complete(log);
    };
  }

  /** How far each log is held; other threads may see it a little late. */
  public Map<PartitionId, Long> heldEnds() {
    Map<PartitionId, Long> ends = new TreeMap<>();
    logs.forEach((id, log) -> ends.put(id, log.heldEndOffset()));
    return ends;
  }
}
