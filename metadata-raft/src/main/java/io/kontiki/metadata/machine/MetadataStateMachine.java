package io.kontiki.metadata.machine;

import io.kontiki.metadata.ApplyResult;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.codec.ClusterImageCodec;
import io.kontiki.metadata.codec.MetadataCommandCodec;
import io.kontiki.model.PartitionId;
import io.kontiki.raft.StateMachine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The state machine of the group {@code metadata}. Brokers outside the quorum drive one by their
 * watch stream: {@link #restore} or {@link #apply} per entry, then {@link #onApplied}.
 *
 * <ul>
 *   <li>What {@link StateMachine} demands to be called by one thread at a time is; {@link #image},
 *       {@link #since} and {@link #lastIndex} are for all threads.
 *   <li>The answer of {@link #apply} is a {@link CommandOutcome}.
 *   <li>An exception stops the node (rules M11, M17).
 * </ul>
 */
public final class MetadataStateMachine implements StateMachine {
  /** Commands kept for watch streams. */
  public static final int HISTORY_ENTRIES = 2_000;

  /** Bytes of commands kept for watch streams. */
  public static final long HISTORY_BYTES = 4 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(MetadataStateMachine.class);

  /** Told by the apply thread; must not block. */
  public interface Listener {
    /** A new image; once per batch of entries, in order of the index. */
    void onImage(ClusterImage image);

    /** See {@link StateMachine#onLeaderStart}. */
    void onLeaderStart(long term);

    /** See {@link StateMachine#onLeaderStop}. */
    void onLeaderStop(long term);

    /** See {@link StateMachine#onFollowing}. */
    void onFollowing(int leaderId, long term);

    /** Balanced recovery gave these a leader: records may be lost (rule R19). */
    void onRecovered(List<PartitionId> partitions);
  }

  private final Listener listener;
  private final CommandHistory history;
  private ClusterImage current = ClusterImage.EMPTY;
  private volatile ClusterImage published = ClusterImage.EMPTY;

  public MetadataStateMachine(Listener listener) {
    this(listener, HISTORY_ENTRIES, HISTORY_BYTES);
  }

  MetadataStateMachine(Listener listener, int historyEntries, long historyBytes) {
    this.listener = listener;
    this.history = new CommandHistory(historyEntries, historyBytes);
  }

  /** The newest published image. */
  public ClusterImage image() {
    return published;
  }

  /**
   * What was applied above an index, for a watch stream that stands there.
   *
   * @return empty: a snapshot of {@link #image} is needed
   */
  public Optional<List<CommandHistory.Entry>> since(long index) {
    return history.since(index);
  }

  /** Index of the newest entry of {@link #since}. */
  public long lastIndex() {
    return history.lastIndex();
  }

  @Override
  public CommandOutcome apply(long index, ByteBuffer command) {
    ByteBuffer copy = ByteBuffer.allocate(command.remaining()).put(command.duplicate()).flip();
    MetadataCommand decoded = MetadataCommandCodec.decode(index, copy);
    ApplyResult result = MetadataMachine.apply(current, index, decoded);
    current = result.image();
    if (decoded instanceof MetadataCommand.ElectUnclean unclean
        && result.outcome() instanceof CommandOutcome.Number leader) {
      logUnclean(unclean, leader.value());
    }
    history.add(index, copy);
    if (!result.recovered().isEmpty()) {
      listener.onRecovered(result.recovered());
    }
    return result.outcome();
  }

  private void logUnclean(MetadataCommand.ElectUnclean command, long leader) {
    PartitionId id = command.partition().partition();
    TopicImage topic = current.topics().get(id.topicId());
    LOG.warn(
        "unclean election, as an operator asked: broker {} leads {}-{}; acknowledged records that it"
            + " lacks are lost (R19); reason: {}",
        leader,
        topic == null ? id.topicId() : topic.name(),
        id.partition(),
        command.reason());
  }

  @Override
  public void onApplied(long index) {
    if (index > current.index()) {
      // An entry of the group's own, such as a new leader's first: only the index moves.
      current = current.at(index);
      history.add(index, ByteBuffer.allocate(0));
    }
    publish();
  }

  @Override
  public SnapshotSource snapshot() {
    ClusterImage image = current;
    return out -> ClusterImageCodec.write(image, out);
  }

  @Override
  public void restore(InputStream snapshot) throws IOException {
    current = ClusterImageCodec.read(snapshot);
    history.reset(current.index());
    publish();
  }

  @Override
  public void onLeaderStart(long term) {
    listener.onLeaderStart(term);
  }

  @Override
  public void onLeaderStop(long term) {
    listener.onLeaderStop(term);
  }

  @Override
  public void onFollowing(int leaderId, long term) {
    listener.onFollowing(leaderId, term);
  }

  private void publish() {
    if (current != published) {
      logBrokers(published, current);
      published = current;
      listener.onImage(current);
    }
  }

  private static void logBrokers(ClusterImage before, ClusterImage after) {
    if (before.brokers() == after.brokers()) {
      return;
    }
    for (BrokerImage broker : after.brokers().values()) {
      BrokerImage old = before.brokers().get(broker.id());
      if (old == null || old.epoch() != broker.epoch()) {
        LOG.info("[broker={}] registered with epoch {}", broker.id(), broker.epoch());
      }
      BrokerImage.State was = old == null ? BrokerImage.State.FENCED : old.state();
      if (was != broker.state()) {
        LOG.info("[broker={} epoch={}] {} -> {}", broker.id(), broker.epoch(), was, broker.state());
      }
    }
  }
}
