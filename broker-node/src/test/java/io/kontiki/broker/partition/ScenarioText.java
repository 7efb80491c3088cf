package io.kontiki.broker.partition;

import io.kontiki.record.RecordBatch;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.SubscribeAnswer;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Messages between replicas as a scenario shows them. */
final class ScenarioText {
  private ScenarioText() {}

  /** A line for each partition that the message is about. */
  static List<String> of(ReplicationMessage message) {
    List<String> lines = new ArrayList<>();
    if (message instanceof ReplicationMessage.Subscribe subscribe) {
      for (ReplicationMessage.SubscribeRequest one : subscribe.requests()) {
        lines.add(
            "subscribe from "
                + one.fetchOffset()
                + " in epoch "
                + one.leaderEpoch()
                + ", last epoch "
                + one.lastEpoch());
      }
    } else if (message instanceof ReplicationMessage.Answers answers) {
      answers.answers().forEach(answer -> lines.add(text(answer)));
    } else if (message instanceof ReplicationMessage.Data data) {
      data.parts().forEach(part -> lines.add(text(part)));
    } else if (message instanceof ReplicationMessage.Acks acks) {
      acks.ends().forEach(end -> lines.add("holds up to " + end.heldEnd()));
    } else if (message instanceof ReplicationMessage.Lost lost) {
      lost.ranges().forEach(one -> lines.add("cannot read from " + one.offset() + " on"));
    } else if (message instanceof ReplicationMessage.Mend mend) {
      mend.parts().forEach(part -> lines.add("mends with " + records(part.batches())));
    } else if (message instanceof ReplicationMessage.Unsubscribe) {
      lines.add("unsubscribe");
    }
    return lines;
  }

  private static String text(SubscribeAnswer answer) {
    if (answer instanceof SubscribeAnswer.Accepted accepted) {
      return "accepted, high watermark " + accepted.highWatermark();
    } else if (answer instanceof SubscribeAnswer.Diverging diverging) {
      return "diverging: epoch " + diverging.epoch() + " ends at " + diverging.endOffset();
    } else if (answer instanceof SubscribeAnswer.Behind behind) {
      return "behind: the log starts at " + behind.logStartOffset();
    }
    return "refused: " + ((SubscribeAnswer.Refused) answer).refusal();
  }

  private static String text(ReplicationMessage.PartitionData part) {
    String watermark = "high watermark " + part.highWatermark();
    if (part.batches().isEmpty()) {
      return watermark;
    }
    return "data " + records(part.batches()) + ", " + watermark;
  }

  private static String records(List<ByteBuffer> batches) {
    List<String> records = new ArrayList<>();
    for (ByteBuffer batch : batches) {
      for (int at = 0; at < batch.remaining(); ) {
        RecordBatch one = new RecordBatch(batch.slice(), at);
        records.add(record(one.baseOffset(), one.leaderEpoch(), TestBatches.value(one)));
        at += one.sizeBytes();
      }
    }
    return String.join(" ", records);
  }

  /** A record: offset, the letter that is its value, and its epoch. */
  static String record(long offset, int epoch, long value) {
    return offset + ":" + letter(value) + "/" + epoch;
  }

  static String letter(long value) {
    return String.valueOf((char) ('a' + value - 1));
  }
}
