package io.kontiki.broker.partition;

import io.kontiki.broker.api.Metadata;
import io.kontiki.metadata.ApplyResult;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Result;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** The metadata of a scenario: each command is decided by the real machine, at once. */
final class ScenarioMetadata implements Metadata {
  private final Consumer<String> trace;
  private final Runnable changed;
  private ClusterImage image;

  /**
   * @param changed told after each command
   */
  ScenarioMetadata(int brokers, Consumer<String> trace, Runnable changed) {
    this.trace = trace;
    this.changed = changed;
    List<VoterImage> voters = new ArrayList<>();
    for (int id = 1; id <= brokers; id++) {
      voters.add(new VoterImage(id, new Endpoint("n" + id, 7601), new Uid(1, id)));
    }
    MetadataCommand form = new MetadataCommand.FormCluster(0, new Uid(1, 2), 1, voters, 1);
    image = MetadataMachine.apply(ClusterImage.EMPTY, 1, form).image();
  }

  CommandOutcome apply(MetadataCommand command) {
    ClusterImage before = image;
    ApplyResult result = MetadataMachine.apply(before, before.index() + 1, command);
    image = result.image();
    if (result.outcome() instanceof CommandOutcome.Rejected rejected) {
      trace.accept("metadata: refused: " + rejected.error().message());
    }
    for (BrokerImage broker : image.brokers().values()) {
      BrokerImage old = before.brokers().get(broker.id());
      if (old == null || old.state() != broker.state() || old.epoch() != broker.epoch()) {
        boolean registered = old == null || old.epoch() != broker.epoch();
        trace.accept(
            "metadata: broker "
                + broker.id()
                + (registered
                    ? " registered"
                    : " " + broker.state().name().toLowerCase(Locale.ROOT)));
      }
    }
    for (TopicImage topic : image.topics().values()) {
      TopicImage old = before.topics().get(topic.id());
      PartitionImage now = topic.partitions().get(0);
      if (old == null || old.partitions().get(0) != now) {
        trace.accept("metadata: " + text(now));
      }
    }
    changed.run();
    return result.outcome();
  }

  private static String text(PartitionImage now) {
    return (now.leader() == PartitionImage.NO_LEADER ? "no leader" : "leader " + now.leader())
        + ", epoch "
        + now.leaderEpoch()
        + ", in sync "
        + now.isr()
        + (now.elr().isEmpty() ? "" : ", eligible " + now.elr())
        + (now.lastKnownElr().isEmpty() ? "" : ", last known eligible " + now.lastKnownElr())
        + (now.adding().isEmpty() ? "" : ", comes " + now.adding())
        + (now.removing().isEmpty() ? "" : ", goes " + now.removing());
  }

  @Override
  public ClusterImage image() {
    return image;
  }

  @Override
  public void submit(
      MetadataCommand command, long deadlineNanos, Completion<Result<Submitted>> completion) {
    CommandOutcome outcome = apply(command);
    completion.complete(Result.ok(new Submitted(image.index(), outcome)));
  }

  @Override
  public void readLatest(long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    completion.complete(Result.ok(image));
  }

  @Override
  public void awaitIndex(
      long index, long deadlineNanos, Completion<Result<ClusterImage>> completion) {
    completion.complete(Result.ok(image));
  }

  @Override
  public void listen(Listener listener) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void unlisten(Listener listener) {
    throw new UnsupportedOperationException();
  }

  @Override
  public RaftGroup.RaftStatus quorum() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void leaderView(long deadlineNanos, Completion<RaftGroup.RaftStatus> completion) {
    throw new UnsupportedOperationException();
  }
}
