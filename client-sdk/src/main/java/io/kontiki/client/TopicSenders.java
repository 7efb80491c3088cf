package io.kontiki.client;

import io.kontiki.client.ClusterView.PartitionView;
import io.kontiki.client.ClusterView.TopicView;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.TopicId;
import io.kontiki.record.Partitioner;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The partitions of one topic, as a producer sees them, and which of them a record goes to. A topic
 * made again under its name is another one. Belongs to the loop.
 */
final class TopicSenders {
  private final String name;
  private final int batchBytes;
  private final IntFunction<PartitionSender> factory;
  private final List<PartitionSender> senders = new ArrayList<>();
  private @Nullable TopicId id;
  private int maxBatchBytes = Integer.MAX_VALUE;
  private int sticky;
  private long stickyBytes;

  /**
   * @param start where records without a key begin
   * @param factory makes the sender of a partition
   */
  TopicSenders(String name, int batchBytes, int start, IntFunction<PartitionSender> factory) {
    this.name = name;
    this.batchBytes = batchBytes;
    this.sticky = start;
    this.factory = factory;
  }

  /** Null: not known. */
  @Nullable TopicId id() {
    return id;
  }

  /** Empty if the topic takes a batch of this size, else RECORD_TOO_LARGE. */
  Optional<ApiError> check(int sizeBytes) {
    if (sizeBytes <= maxBatchBytes) {
      return Optional.empty();
    }
    return Optional.of(
        ApiError.definite(
                ErrorReason.RECORD_TOO_LARGE,
                "a batch of "
                    + sizeBytes
                    + " bytes; topic '"
                    + name
                    + "' takes at most "
                    + maxBatchBytes
                    + " (max.message.bytes)")
            .with("topic", name)
            .with("sizeBytes", sizeBytes)
            .with("limitBytes", maxBatchBytes));
  }

  List<PartitionSender> senders() {
    return senders;
  }

  /** Takes what the metadata says. */
  void onView(ClusterView view) {
    TopicView topic = view.topic(name);
    if (id != null && (topic == null || !topic.id().equals(id)) && isKnown(view, topic)) {
      ApiError gone =
          ApiError.definite(ErrorReason.TOPIC_NOT_FOUND, "topic '" + name + "' was deleted")
              .with("topic", name);
      senders.forEach(sender -> sender.onGone(gone));
      senders.clear();
      id = null;
    }
    if (topic != null) {
      id = topic.id();
      maxBatchBytes = topic.maxBatchBytes();
      for (PartitionView partition : topic.partitions()) {
        if (partition.partition() == senders.size()) {
          senders.add(factory.apply(partition.partition()));
        }
        if (partition.partition() < senders.size()) {
          senders
              .get(partition.partition())
              .onLeader(view.leader(partition), partition.leaderEpoch());
        }
      }
    }
  }

  /** Where a record goes; null: there is no such partition. */
  @Nullable PartitionSender choose(ProducerRecord record, int sizeBytes) {
    int count = senders.size();
    if (record.partition().isPresent()) {
      int wanted = record.partition().getAsInt();
      return wanted >= 0 && wanted < count ? senders.get(wanted) : null;
    }
    byte[] key = record.key();
    if (key != null) {
      return senders.get(Partitioner.partition(key, count));
    }
    // Records without a key go to one partition until they fill a batch: then they share batches.
    if (stickyBytes + sizeBytes > batchBytes) {
      stickyBytes = 0;
      sticky++;
    }
    stickyBytes += sizeBytes;
    for (int i = 0; i < count; i++) {
      PartitionSender sender = senders.get(Math.floorMod(sticky + i, count));
      if (sender.leader() != null) {
        sticky += i;
        return sender;
      }
    }
    return senders.get(Math.floorMod(sticky, count));
  }

  private boolean isKnown(ClusterView view, @Nullable TopicView topic) {
    return topic != null || view.isMissing(name);
  }
}
