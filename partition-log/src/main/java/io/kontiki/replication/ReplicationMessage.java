package io.kontiki.replication;

import io.kontiki.model.PartitionId;
import io.kontiki.model.Uid;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What leader and follower say to each other on a stream that the follower opened. Lists, because
 * both sides speak once per loop turn for all partitions.
 */
public sealed interface ReplicationMessage {
  /**
   * The follower's first message.
   *
   * @param clusterId of the follower's cluster
   * @param leaderId whom the follower means to speak to
   * @param stream identifies the stream
   */
  record Hello(Uid clusterId, int leaderId, StreamId stream) implements ReplicationMessage {}

  /** Follower: begins subscriptions. */
  record Subscribe(List<SubscribeRequest> requests) implements ReplicationMessage {
    public Subscribe {
      requests = List.copyOf(requests);
    }
  }

  /**
   * Follower: ends subscriptions.
   *
   * @param diskFull because it has no room for more (rule D4): the leader need not wait for it
   */
  record Unsubscribe(List<Long> subscriptions, boolean diskFull) implements ReplicationMessage {
    public Unsubscribe {
      subscriptions = List.copyOf(subscriptions);
    }
  }

  /** Leader: what became of subscriptions. */
  record Answers(List<SubscribeAnswer> answers) implements ReplicationMessage {
    public Answers {
      answers = List.copyOf(answers);
    }
  }

  /** Leader: batches and high watermarks. */
  record Data(List<PartitionData> parts) implements ReplicationMessage {
    public Data {
      parts = List.copyOf(parts);
    }
  }

  /** Follower: how far it holds (rule R36). */
  record Acks(List<HeldEnd> ends) implements ReplicationMessage {
    public Acks {
      ends = List.copyOf(ends);
    }
  }

  /** Follower: what it cannot read any more (rule D9). */
  record Lost(List<LostRange> ranges) implements ReplicationMessage {
    public Lost {
      ranges = List.copyOf(ranges);
    }
  }

  /** Leader: what lies at the offsets of {@link Lost}. */
  record Mend(List<PartitionMend> parts) implements ReplicationMessage {
    public Mend {
      parts = List.copyOf(parts);
    }
  }

  /**
   * Damage of a follower's log: it is out of the in-sync set until it acknowledges again.
   *
   * @param offset from which on it cannot read
   */
  record LostRange(long subscription, long offset) {}

  /**
   * Batches for a lost range.
   *
   * @param batches whole batches from the lost offset on; empty: the leader cannot read them either
   */
  record PartitionMend(long subscription, List<ByteBuffer> batches) {
    public PartitionMend {
      batches = List.copyOf(batches);
    }

    /** Bytes of all batches. */
    public int bytes() {
      return sizeOf(batches);
    }
  }

  private static int sizeOf(List<ByteBuffer> batches) {
    int sum = 0;
    for (ByteBuffer batch : batches) {
      sum += batch.remaining();
    }
    return sum;
  }

  /**
   * One partition that a follower wants.
   *
   * @param subscription chosen by the follower; grows over all its lanes (rule R27)
   * @param leaderEpoch in which the follower believes the leader leads (rule R25)
   * @param fetchOffset its log end
   * @param lastEpoch newest epoch in its history, also one without records; -1: none (rule R29)
   */
  record SubscribeRequest(
      long subscription, PartitionId partition, int leaderEpoch, long fetchOffset, int lastEpoch) {}

  /**
   * News of one partition.
   *
   * @param highWatermark the leader's
   * @param logStartOffset the leader's
   * @param batches whole batches, one behind the other; empty: only the high watermark moved
   */
  record PartitionData(
      long subscription, long highWatermark, long logStartOffset, List<ByteBuffer> batches) {
    public PartitionData {
      batches = List.copyOf(batches);
    }

    /** Bytes of all batches. */
    public int bytes() {
      return sizeOf(batches);
    }
  }

  /**
   * How far a follower holds one partition.
   *
   * @param heldEnd exclusive
   * @param logStart durable there (rule D5), or -1: as it said before in this subscription
   */
  record HeldEnd(long subscription, long heldEnd, long logStart) {
    /** With the log start that it said before. */
    public HeldEnd(long subscription, long heldEnd) {
      this(subscription, heldEnd, -1);
    }
  }
}
