package io.kontiki.client;

import io.kontiki.model.ApiError;
import io.kontiki.proto.Failures;
import io.kontiki.v1.CommitFailure;
import io.kontiki.v1.Committed;
import io.kontiki.v1.PartitionOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The commits of one stream that are not answered yet. The broker answers several at once, with the
 * newest offset that is stored of each partition. Used on the loop alone.
 */
final class CommitLedger {
  /** One commit: answered when all of its partitions are. */
  private static final class Open {
    private final CompletableFuture<Void> answer = new CompletableFuture<>();
    private int partitionsLeft;
    private @Nullable ApiError refusal;

    private void onPartition() {
      if (--partitionsLeft == 0) {
        ApiError error = refusal;
        if (error == null) {
          answer.complete(null);
        } else {
          answer.completeExceptionally(new KontikiException(error));
        }
      }
    }
  }

  private record Entry(long offset, Open commit) {}

  private final Map<TopicPartition, ArrayDeque<Entry>> entries = new TreeMap<>();

  /** A commit is sent; at least one partition. */
  CompletableFuture<Void> add(Collection<PartitionOffset> offsets) {
    Open open = new Open();
    open.partitionsLeft = offsets.size();
    for (PartitionOffset offset : offsets) {
      entries
          .computeIfAbsent(key(offset), any -> new ArrayDeque<>())
          .add(new Entry(offset.getOffset(), open));
    }
    return open.answer;
  }

  void onCommitted(Committed answer) {
    for (PartitionOffset stored : answer.getOffsetsList()) {
      ArrayDeque<Entry> queue = entries.get(key(stored));
      if (queue != null) {
        answered(queue, stored.getOffset()).forEach(Open::onPartition);
        forgetIfEmpty(key(stored), queue);
      }
    }
    for (CommitFailure failure : answer.getFailuresList()) {
      TopicPartition key = key(failure.getOffset());
      ArrayDeque<Entry> queue = entries.get(key);
      if (queue != null) {
        refuse(queue, failure);
        forgetIfEmpty(key, queue);
      }
    }
  }

  /** The stream has ended: whether the rest was stored is not known. */
  void onEnd(ApiError unknown) {
    Set<Open> open = new LinkedHashSet<>();
    entries.values().forEach(queue -> queue.forEach(entry -> open.add(entry.commit())));
    entries.clear();
    open.forEach(commit -> commit.answer.completeExceptionally(new KontikiException(unknown)));
  }

  /** How many partitions of commits are open. */
  int size() {
    return entries.values().stream().mapToInt(ArrayDeque::size).sum();
  }

  /**
   * Up to the last that asked for just this offset. If none did, the stored offset lies above what
   * was asked for (such a commit changes nothing), and all below it are answered.
   */
  private static List<Open> answered(ArrayDeque<Entry> queue, long stored) {
    int count = 0;
    int index = 0;
    for (Entry entry : queue) {
      index++;
      if (entry.offset() == stored) {
        count = index;
      }
    }
    List<Open> done = new ArrayList<>();
    if (count == 0) {
      while (!queue.isEmpty() && queue.element().offset() < stored) {
        done.add(queue.remove().commit());
      }
    }
    for (int i = 0; i < count; i++) {
      done.add(queue.remove().commit());
    }
    return done;
  }

  private static void refuse(ArrayDeque<Entry> queue, CommitFailure failure) {
    for (Iterator<Entry> left = queue.iterator(); left.hasNext(); ) {
      Entry entry = left.next();
      if (entry.offset() == failure.getOffset().getOffset()) {
        left.remove();
        if (entry.commit().refusal == null) {
          entry.commit().refusal = Failures.fromFailure(failure.getFailure());
        }
        entry.commit().onPartition();
        return;
      }
    }
  }

  private void forgetIfEmpty(TopicPartition key, ArrayDeque<Entry> queue) {
    if (queue.isEmpty()) {
      entries.remove(key);
    }
  }

  private static TopicPartition key(PartitionOffset offset) {
    return new TopicPartition(offset.getTopic(), offset.getPartition());
  }
}
