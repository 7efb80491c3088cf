package io.kontiki.broker;

import io.kontiki.broker.partition.PartitionAssignment;
import io.kontiki.broker.partition.PartitionLogs;
import io.kontiki.log.LogDirectory;
import io.kontiki.log.PartitionLog;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.StorageException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the logs of one loop's partitions in the log directory. */
public final class DirectoryLogs implements PartitionLogs {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryLogs.class);

  private final LogDirectory directory;
  private final EventLoop loop;
  private final Runnable offline;

  /**
   * @param offline told on the loop, perhaps several times, that the directory is offline (L4)
   */
  public DirectoryLogs(LogDirectory directory, EventLoop loop, Runnable offline) {
    this.directory = directory;
    this.loop = loop;
    this.offline = offline;
  }

  @Override
  public void open(
      PartitionAssignment assignment,
      PartitionLog.Listener listener,
      Completion<PartitionLog> completion) {
    PartitionLog log;
    try {
      log =
          directory.openOrCreate(
              assignment.id(),
              assignment.topic(),
              assignment.log(),
              loop,
              new PartitionLog.Listener() {
                @Override
                public void onHeld(long heldEndOffset) {
                  listener.onHeld(heldEndOffset);
                }

                @Override
                public void onDamaged(long offset) {
                  listener.onDamaged(offset);
                }

                @Override
                public void onOffline(StorageException cause) {
                  listener.onOffline(cause);
                  offline.run();
                }
              });
    } catch (StorageException e) {
      LOG.error("log {} cannot be opened: {}", assignment.id(), e.getMessage());
      offline.run();
      return;
    }
    completion.complete(log);
  }
}
