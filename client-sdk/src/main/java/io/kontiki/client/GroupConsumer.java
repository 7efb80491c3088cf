package io.kontiki.client;

import io.kontiki.client.GroupInbox.Chunk;
import io.kontiki.client.GroupInbox.Data;
import io.kontiki.client.GroupInbox.Jump;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.runtime.Clock;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Pause;
import io.kontiki.v1.Release;
import io.kontiki.v1.RepositionCause;
import io.kontiki.v1.Resume;
import io.kontiki.v1.Seek;
import io.kontiki.v1.Subscribe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Reads topics as a member of a group: every partition is read by one member of the group at a
 * time, and reading goes on where the group has committed. For one thread; only {@link #wakeUp} may
 * be called by others. The partitions are dealt out by the brokers; {@link Consumer} reads
 * partitions of one's own choice.
 *
 * <pre>{@code
 * try (GroupConsumer consumer = client.newGroupConsumer(GroupConsumerOptions.of("billing"))) {
 *   consumer.subscribe(List.of("orders"));
 *   while (!stopped) {
 *     consumer.poll(Duration.ofSeconds(1)).forEach(this::process);
 *   }
 *   consumer.commit();
 * }
 * }</pre>
 *
 * <ul>
 *   <li><b>At least once.</b> No record is left out, whatever breaks. What was polled and not
 *       committed comes again, to this member or another, after a crash, a broken connection or a
 *       rebalance. At most once: commit before processing.
 *   <li>Automatic commits say that records are processed when the <em>next</em> poll begins. {@link
 *       #close} therefore does not commit what the last poll returned: it cannot know whether
 *       processing has failed. {@link #commit()} before it does.
 *   <li>Records of a partition come in order; they go back only after {@link #seek}, or when the
 *       partition was lost and came again. Between partitions there is no order.
 *   <li>Membership needs no polling: it holds as long as the process and its connection live.
 *       Partitions that must move are given up within a poll, at the latest after the revoke
 *       timeout.
 *   <li>Memory is bounded by {@code bufferBytes}. A reader that does not poll is not sent more.
 * </ul>
 */
public final class GroupConsumer implements AutoCloseable {
  /** What the polling thread knows of a partition that is this member's. */
  private static final class Owned {
    /** The next record to return; -1: not known until the broker has said where a seek led. */
    private long position;

    /** Below it everything is processed, as far as automatic commits know. */
    private long processed;

    /** What was sent to the broker as committed; -1: nothing. */
    private long sent = -1;

    /** The broker has not said yet where a seek led; what comes before that is void. */
    private boolean seeking;

    /** Where to go when it has: of seeks that overtake each other not each is answered. */
    private @Nullable StartAt nextSeek;

    private boolean paused;
    private boolean going;

    /** Of a paused partition: what came before the pause took effect. */
    private final List<Data> held = new ArrayList<>();

    Owned(long position) {
      this.position = position;
      this.processed = position;
    }
  }

  /** Records of one partition that are being returned. */
  private static final class Reading {
    private final Chunk chunk;
    private int next;

    Reading(Chunk chunk) {
      this.chunk = chunk;
    }
  }

  private final ConsumeLoop consumeLoop;
  private final GroupInbox inbox;
  private final GroupConsumerOptions options;
  private final Clock clock;
  private final Duration callTimeout;
  private final Map<TopicPartition, Owned> owned = new TreeMap<>();

  /** Whose position is ahead of what counts as processed. */
  private final Set<TopicPartition> returned = new TreeSet<>();

  private final List<Data> resumed = new ArrayList<>();
  private @Nullable Reading reading;
  private RebalanceListener listener = RebalanceListener.NONE;
  private boolean subscribed;
  private long streamId;
  private String memberId = "";
  private int generation = -1;
  private long nextAutoCommitNanos;

  /** Taken from the inbox, and not told to the broker yet. */
  private long freedBytes;

  private boolean closed;

  GroupConsumer(
      ConsumeLoop consumeLoop,
      GroupInbox inbox,
      GroupConsumerOptions options,
      Clock clock,
      Duration callTimeout) {
    this.consumeLoop = consumeLoop;
    this.inbox = inbox;
    this.options = options;
    this.clock = clock;
    this.callTimeout = callTimeout;
  }

  /** {@link #subscribe(Collection, RebalanceListener)} without a listener. */
  public void subscribe(Collection<String> topics) {
    subscribe(topics, RebalanceListener.NONE);
  }

  /**
   * Joins the group to read these topics; a subscription before is left. Returns at once; {@link
   * #poll} fails with TOPIC_NOT_FOUND if one of them does not exist. One that is deleted and made
   * again later is picked up again.
   */
  public void subscribe(Collection<String> topics, RebalanceListener newListener) {
    if (topics.isEmpty()) {
      throw new IllegalArgumentException("no topic to subscribe to; unsubscribe leaves the group");
    }
    Set<String> names = new TreeSet<>(topics);
    subscribe(GroupMessages.subscription(options).addAllTopics(names).build(), newListener);
  }

  /** Joins the group to read the topics that match, now or later; perhaps none yet. */
  public void subscribe(SubscriptionPattern pattern, RebalanceListener newListener) {
    subscribe(
        GroupMessages.subscription(options).setTopicPattern(pattern.regex()).build(), newListener);
  }

  private void subscribe(Subscribe wanted, RebalanceListener newListener) {
    checkOpen();
    leave(callTimeout);
    listener = newListener;
    subscribed = true;
    nextAutoCommitNanos = clock.nanoTime();
    consumeLoop.join(wanted);
  }

  /** Commits what is processed, and leaves the group, as {@link #close} does. */
  public void unsubscribe() {
    checkOpen();
    leave(callTimeout);
  }

  /**
   * Waits for records.
   *
   * @param timeout how long to wait if there are none; zero: not at all
   * @return those that are there, at most {@code maxPollRecords}; empty after the timeout or {@link
   *     #wakeUp}
   * @throws IllegalStateException if it is not subscribed
   * @throws KontikiException if the group, or its broker, refused the member for good (the topic
   *     does not exist, another member took the name, the next record is out of range and the
   *     policy is ERROR): it is not subscribed any more. What may heal is waited for instead
   */
  public List<ConsumerRecord> poll(Duration timeout) {
    checkOpen();
    if (!subscribed) {
      throw new IllegalStateException("the consumer is not subscribed");
    }
    countAsProcessed();
    long deadline = clock.nanoTime() + timeout.toNanos();
    List<ConsumerRecord> records = new ArrayList<>();
    for (GroupInbox.Signal signal = inbox.takeSignal();
        signal != null;
        signal = inbox.takeSignal()) {
      onSignal(signal);
    }
    while (records.size() < options.maxPollRecords()) {
      if (reading != null) {
        read(records);
      } else if (!resumed.isEmpty()) {
        onData(resumed.remove(0));
      } else if (!(records.isEmpty() ? awaitNext(deadline) : takeMore())) {
        break;
      }
    }
    autoCommit();
    return records;
  }

  /** What is there besides; what would void records that are to be returned waits. */
  private boolean takeMore() {
    Data data = inbox.takeData();
    if (data != null) {
      onData(data);
    }
    return data != null;
  }

  /** Deals with the next thing; false: the poll is over. */
  private boolean awaitNext(long deadline) {
    autoCommit();
    giveRoom();
    long now = clock.nanoTime();
    long left = Math.max(0, deadline - now);
    long untilCommit = isAutoCommitting() ? nextAutoCommitNanos - now : Long.MAX_VALUE;
    GroupInbox.Item item;
    try {
      item = inbox.take(Math.min(left, untilCommit));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    if (item instanceof Data data) {
      onData(data);
    } else if (item instanceof GroupInbox.Signal signal) {
      onSignal(signal);
    } else {
      return item == null && untilCommit < left;
    }
    return true;
  }

  private void onData(Data data) {
    Owned partition = owned.get(data.partition());
    if (partition == null || partition.going) {
      giveBack(data);
    } else if (data instanceof Jump jump) {
      if (!partition.seeking && partition.paused) {
        partition.held.add(jump);
      } else {
        onJump(jump, partition);
      }
    } else if (data instanceof Chunk chunk) {
      if (partition.seeking) {
        giveBack(chunk);
      } else if (partition.paused) {
        partition.held.add(chunk);
      } else {
        reading = new Reading(chunk);
      }
    }
  }

  private void onJump(Jump jump, Owned partition) {
    boolean bySeek = jump.to().getCause() != RepositionCause.REPOSITION_CAUSE_OUT_OF_RANGE;
    if (partition.seeking && !bySeek) {
      return; // from before the broker heard of the seek
    }
    StartAt next = partition.nextSeek;
    if (partition.seeking && next != null) {
      partition.nextSeek = null;
      sendSeek(jump.partition(), next);
      return;
    }
    partition.position = jump.to().getPosition().getOffset();
    if (partition.seeking) {
      partition.seeking = false;
      partition.processed = partition.position;
      partition.sent = -1;
      returned.remove(jump.partition());
    } else {
      returned.add(jump.partition());
    }
  }

  private void read(List<ConsumerRecord> into) {
    Reading current = reading;
    if (current == null) {
      return;
    }
    Chunk chunk = current.chunk;
    Owned partition = owned.get(chunk.partition());
    if (partition == null) {
      reading = null;
      return;
    }
    returned.add(chunk.partition());
    while (current.next < chunk.records().getRecordsCount()) {
      if (into.size() == options.maxPollRecords()) {
        return;
      }
      ConsumerRecord record =
          GroupMessages.record(chunk.partition(), chunk.records().getRecords(current.next++));
      into.add(record);
      partition.position = record.offset() + 1;
    }
    // Compaction may have left out what lies behind the last record.
    partition.position = Math.max(partition.position, chunk.records().getPosition().getOffset());
    reading = null;
    giveBack(chunk);
  }

  private void giveBack(Data data) {
    if (data instanceof Chunk chunk) {
      freedBytes += chunk.sizeBytes();
      if (freedBytes >= options.bufferBytes() / 8) {
        giveRoom();
      }
    }
  }

  /** In portions that are worth a message; all of it before it waits for what needs the room. */
  private void giveRoom() {
    if (freedBytes > 0) {
      consumeLoop.consumed(streamId, freedBytes);
      freedBytes = 0;
    }
  }

  private void onSignal(GroupInbox.Signal signal) {
    if (signal instanceof GroupInbox.Came came) {
      onCame(came);
    } else if (signal instanceof GroupInbox.Going going) {
      onGoing(going);
    } else if (signal instanceof GroupInbox.Gone gone) {
      remove(gone.partitions(), gone.reason());
    } else if (signal instanceof GroupInbox.Stopping stopping) {
      onStopping(stopping);
    } else if (signal instanceof GroupInbox.Lost) {
      remove(assignment(), RebalanceListener.Reason.LOST);
    } else if (signal instanceof GroupInbox.Failed failed) {
      subscribed = false;
      try {
        remove(assignment(), RebalanceListener.Reason.LOST);
      } finally {
        throwAnew(failed.reason());
      }
    }
  }

  /** With the stack of the thread that polls. */
  private static void throwAnew(KontikiException reason) {
    throw new KontikiException(reason.error());
  }

  private void onCame(GroupInbox.Came came) {
    if (came.streamId() != streamId) {
      streamId = came.streamId();
      freedBytes = 0;
    }
    memberId = came.assigned().getMemberId();
    generation = came.assigned().getGeneration();
    Map<TopicPartition, Long> begins = new TreeMap<>();
    for (PartitionOffset one : came.assigned().getPartitionsList()) {
      TopicPartition key = new TopicPartition(one.getTopic(), one.getPartition());
      owned.put(key, new Owned(one.getOffset()));
      begins.put(key, one.getOffset());
    }
    if (!begins.isEmpty()) {
      listener.onAssigned(begins);
    }
  }

  private void onGoing(GroupInbox.Going signal) {
    Set<TopicPartition> going = new TreeSet<>(signal.partitions());
    going.retainAll(owned.keySet());
    stopReading(going);
    try {
      if (!going.isEmpty()) {
        listener.onRevoking(going, signal.timeLeft());
      }
    } finally {
      Release.Builder release = Release.newBuilder();
      going.forEach(key -> release.addPartitions(GroupMessages.partition(key)));
      ConsumeRequest request = ConsumeRequest.newBuilder().setRelease(release).build();
      long stream = streamId;
      var unused =
          commitProcessed(going).whenComplete((done, failure) -> consumeLoop.send(stream, request));
    }
  }

  private void onStopping(GroupInbox.Stopping signal) {
    Set<TopicPartition> all = assignment();
    stopReading(all);
    try {
      if (!all.isEmpty()) {
        listener.onRevoking(all, signal.timeLeft());
      }
    } finally {
      long stream = streamId;
      var unused = commitProcessed(all).whenComplete((done, failure) -> consumeLoop.finish(stream));
    }
  }

  /** Nothing of these is returned any more. */
  private void stopReading(Set<TopicPartition> going) {
    for (TopicPartition key : going) {
      Owned partition = owned.get(key);
      if (partition != null) {
        partition.going = true;
      }
      dropBuffered(key);
    }
  }

  private void dropBuffered(TopicPartition key) {
    Reading current = reading;
    if (current != null && current.chunk.partition().equals(key)) {
      giveBack(current.chunk);
      reading = null;
    }
    resumed.removeIf(
        data -> {
          boolean drops = data.partition().equals(key);
          if (drops) {
            giveBack(data);
          }
          return drops;
        });
    Owned partition = owned.get(key);
    if (partition != null) {
      partition.held.forEach(this::giveBack);
      partition.held.clear();
    }
  }

  private void remove(Set<TopicPartition> partitions, RebalanceListener.Reason reason) {
    Set<TopicPartition> gone = new TreeSet<>(partitions);
    gone.retainAll(owned.keySet());
    for (TopicPartition key : gone) {
      dropBuffered(key);
      owned.remove(key);
      returned.remove(key);
    }
    if (!gone.isEmpty()) {
      listener.onRevoked(gone, reason);
    }
  }

  private void countAsProcessed() {
    for (TopicPartition key : returned) {
      Owned partition = owned.get(key);
      if (partition != null && !partition.seeking) {
        partition.processed = partition.position;
      }
    }
    returned.clear();
  }

  private boolean isAutoCommitting() {
    return options.autoCommitInterval() != null;
  }

  private void autoCommit() {
    Duration interval = options.autoCommitInterval();
    if (interval != null && clock.nanoTime() - nextAutoCommitNanos >= 0) {
      nextAutoCommitNanos = clock.nanoTime() + interval.toNanos();
      // What is refused, or lost with its connection, is delivered again.
      var unused = commitProcessed(owned.keySet());
    }
  }

  /** What automatic commits have to say of these; done if they are off, or it is nothing. */
  private CompletableFuture<Void> commitProcessed(Collection<TopicPartition> partitions) {
    List<PartitionOffset> offsets = new ArrayList<>();
    for (TopicPartition key : partitions) {
      Owned partition = owned.get(key);
      if (isAutoCommitting()
          && partition != null
          && !partition.seeking
          && partition.processed != partition.sent) {
        partition.sent = partition.processed;
        offsets.add(GroupMessages.offset(key, new OffsetAndMetadata(partition.processed)));
      }
    }
    return offsets.isEmpty()
        ? CompletableFuture.completedFuture(null)
        : consumeLoop.commit(streamId, offsets);
  }

  /**
   * Commits everything that was polled, and waits until it is stored, at most as long as the
   * client's calls may take.
   *
   * @throws KontikiException as {@link #commit(Map)}
   */
  public void commit() {
    checkOpen();
    Map<TopicPartition, OffsetAndMetadata> offsets = new TreeMap<>();
    owned.forEach(
        (key, partition) -> {
          if (!partition.seeking && partition.position != partition.sent) {
            offsets.put(key, new OffsetAndMetadata(partition.position));
          }
        });
    commit(offsets);
  }

  /**
   * Commits these offsets, and waits until they are stored, at most as long as the client's calls
   * may take. One below what is committed changes nothing, unless the consumer has sought back.
   *
   * @throws KontikiException {@code definite()}: of at least one partition nothing was stored. Its
   *     reason is NOT_ASSIGNED if the partition has gone or is about to come again, then the
   *     records are delivered again, perhaps to another member; OFFSET_NOT_DELIVERED if the offset
   *     lies behind what was polled. Not {@code definite()}: OUTCOME_UNKNOWN, it may have been
   *     stored
   */
  public void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
    await(commitAsync(offsets));
  }

  /**
   * As {@link #commit(Map)}, without waiting. The future completes on the client's thread, and may
   * complete in order only per partition; it fails with {@link KontikiException} when the stream
   * ends unanswered.
   */
  public CompletableFuture<Void> commitAsync(Map<TopicPartition, OffsetAndMetadata> offsets) {
    checkOpen();
    List<PartitionOffset> toSend = new ArrayList<>();
    for (Map.Entry<TopicPartition, OffsetAndMetadata> entry : new TreeMap<>(offsets).entrySet()) {
      ApiError refusal = refusal(entry.getKey(), entry.getValue().offset());
      if (refusal != null) {
        return CompletableFuture.failedFuture(new KontikiException(refusal));
      }
      toSend.add(GroupMessages.offset(entry.getKey(), entry.getValue()));
    }
    if (toSend.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    offsets.forEach(
        (key, offset) -> {
          Owned partition = owned.get(key);
          if (partition != null) {
            partition.sent = offset.offset();
          }
        });
    return consumeLoop.commit(streamId, toSend);
  }

  private @Nullable ApiError refusal(TopicPartition key, long offset) {
    Owned partition = owned.get(key);
    if (partition == null) {
      return ApiError.definite(ErrorReason.NOT_ASSIGNED, key + " is not this member's")
          .with("topic", key.topic())
          .with("partition", key.partition());
    }
    if (!partition.seeking && offset > partition.position) {
      // The broker would end the stream, and all partitions would be lost.
      return ApiError.definite(
              ErrorReason.OFFSET_NOT_DELIVERED,
              key + ": offset " + offset + " is beyond " + partition.position + ", what was polled")
          .with("topic", key.topic())
          .with("partition", key.partition())
          .with("offset", offset)
          .with("position", partition.position);
    }
    return null;
  }

  private void await(CompletableFuture<Void> answer) {
    try {
      answer.get(callTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KontikiException refused) {
        throw new KontikiException(refused.error());
      }
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw unknown("the commit was not answered within " + callTimeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unknown("interrupted while the commit was waited for");
    }
  }

  private static KontikiException unknown(String message) {
    return new KontikiException(ApiError.indefinite(ErrorReason.OUTCOME_UNKNOWN, message));
  }

  /** This member's partitions, sorted. */
  public Set<TopicPartition> assignment() {
    return new TreeSet<>(owned.keySet());
  }

  /**
   * The offset of the next record that a poll will return, if it is there; empty while the place
   * that was sought is not known yet (polling makes it known).
   *
   * @throws IllegalArgumentException if the partition is not this member's
   */
  public OptionalLong position(TopicPartition partition) {
    Owned found = find(partition);
    return found.seeking ? OptionalLong.empty() : OptionalLong.of(found.position);
  }

  /**
   * Goes to a place in a partition; polls return nothing else of it from now on. Outside the log
   * the {@code outOfRange} policy decides.
   *
   * @throws IllegalArgumentException if the partition is not this member's
   */
  public void seek(TopicPartition partition, StartAt to) {
    checkOpen();
    Owned found = find(partition);
    dropBuffered(partition);
    if (found.seeking) {
      found.nextSeek = to;
    } else {
      found.seeking = true;
      sendSeek(partition, to);
    }
  }

  private void sendSeek(TopicPartition partition, StartAt to) {
    consumeLoop.send(
        streamId,
        ConsumeRequest.newBuilder()
            .setSeek(
                Seek.newBuilder()
                    .setTopic(partition.topic())
                    .setPartition(partition.partition())
                    .setTo(Admin.specOf(to)))
            .build());
  }

  /** {@link #seek(TopicPartition, StartAt)} to an offset, that of the next record to read. */
  public void seek(TopicPartition partition, long offset) {
    seek(partition, StartAt.offset(offset));
  }

  /**
   * Polls return nothing of these until {@link #resume}; they stay this member's. Forgotten when a
   * partition goes.
   *
   * @throws IllegalArgumentException if one is not this member's
   */
  public void pause(Collection<TopicPartition> partitions) {
    checkOpen();
    Pause.Builder pause = Pause.newBuilder();
    for (TopicPartition key : new TreeSet<>(partitions)) {
      Owned partition = find(key);
      partition.paused = true;
      pause.addPartitions(GroupMessages.partition(key));
      Reading current = reading;
      if (current != null && current.chunk.partition().equals(key)) {
        partition.held.add(0, rest(current));
        reading = null;
      }
    }
    consumeLoop.send(streamId, ConsumeRequest.newBuilder().setPause(pause).build());
  }

  /** What is not returned yet; its size stays, so that all of it is given back once. */
  private static Chunk rest(Reading current) {
    Chunk chunk = current.chunk;
    List<io.kontiki.v1.LogRecord> left =
        chunk.records().getRecordsList().subList(current.next, chunk.records().getRecordsCount());
    return new Chunk(
        chunk.partition(),
        chunk.records().toBuilder().clearRecords().addAllRecords(left).build(),
        chunk.sizeBytes());
  }

  /** Undoes {@link #pause}; others are ignored. */
  public void resume(Collection<TopicPartition> partitions) {
    checkOpen();
    Resume.Builder resume = Resume.newBuilder();
    for (TopicPartition key : new TreeSet<>(partitions)) {
      Owned partition = owned.get(key);
      if (partition != null && partition.paused) {
        partition.paused = false;
        resumed.addAll(partition.held);
        partition.held.clear();
        resume.addPartitions(GroupMessages.partition(key));
      }
    }
    consumeLoop.send(streamId, ConsumeRequest.newBuilder().setResume(resume).build());
  }

  /** Those that are paused, sorted. */
  public Set<TopicPartition> paused() {
    Set<TopicPartition> paused = assignment();
    paused.removeIf(key -> !find(key).paused);
    return paused;
  }

  /** This member's id in the group; empty before the first assignment. */
  public String memberId() {
    return memberId;
  }

  /** The generation of the last assignment that a poll dealt with; -1 before the first. */
  public int generation() {
    return generation;
  }

  /** Ends the present poll, or the next, at once; any thread. */
  public void wakeUp() {
    inbox.wakeUp();
  }

  /**
   * Leaves the group: the listener is told, what polls before the last one returned is committed
   * (with automatic commits), and the partitions move at once. Waits for the broker's answer as
   * long as the client's calls may take. Idempotent.
   */
  @Override
  public void close() {
    close(callTimeout);
  }

  /**
   * The same with another time limit. After it the connection is broken, and the partitions move
   * after the session timeout.
   */
  public void close(Duration timeout) {
    if (!closed) {
      try {
        leave(timeout);
      } finally {
        closed = true;
        consumeLoop.close();
      }
    }
  }

  private void leave(Duration timeout) {
    if (!subscribed) {
      return;
    }
    Set<TopicPartition> all = assignment();
    try {
      if (!all.isEmpty()) {
        listener.onRevoking(all, timeout);
      }
    } finally {
      var unused = commitProcessed(all);
      CompletableFuture<Void> left = consumeLoop.leave();
      try {
        left.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        consumeLoop.abandon();
      } catch (ExecutionException | TimeoutException e) {
        consumeLoop.abandon();
      }
      subscribed = false;
      inbox.clear();
      remove(all, RebalanceListener.Reason.LEFT);
    }
  }

  private Owned find(TopicPartition partition) {
    Owned found = owned.get(partition);
    if (found == null) {
      throw new IllegalArgumentException(partition + " is not this member's");
    }
    return found;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the consumer is closed");
    }
  }
}
