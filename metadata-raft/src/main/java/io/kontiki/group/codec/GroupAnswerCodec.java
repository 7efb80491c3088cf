package io.kontiki.group.codec;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupAnswer.Batch;
import io.kontiki.group.GroupAnswer.Committed;
import io.kontiki.group.GroupAnswer.Done;
import io.kontiki.group.GroupAnswer.Joined;
import io.kontiki.group.GroupAnswer.Rejected;
import io.kontiki.internal.v1.CommittedAnswer;
import io.kontiki.internal.v1.DoneAnswer;
import io.kontiki.internal.v1.GroupAnswerRecord;
import io.kontiki.internal.v1.GroupAnswersRecord;
import io.kontiki.internal.v1.JoinedAnswer;
import io.kontiki.internal.v1.RefusedOffset;
import io.kontiki.metadata.codec.Parts;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import java.nio.ByteBuffer;
import java.util.TreeMap;

/** Answers as bytes, for brokers that let another one propose. */
public final class GroupAnswerCodec {
  private GroupAnswerCodec() {}

  /** A fresh buffer. */
  public static ByteBuffer encode(Batch batch) {
    GroupAnswersRecord.Builder record = GroupAnswersRecord.newBuilder();
    batch.answers().forEach(answer -> record.addAnswers(record(answer)));
    return ByteBuffer.wrap(record.build().toByteArray());
  }

  /**
   * Reads answers; the buffer's position stays.
   *
   * @throws CorruptGroupsException if the bytes are none
   */
  public static Batch decode(ByteBuffer bytes) {
    try {
      return new Batch(
          GroupAnswersRecord.parseFrom(bytes.duplicate()).getAnswersList().stream()
              .map(GroupAnswerCodec::answer)
              .toList());
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new CorruptGroupsException("no answers of group commands: " + e.getMessage(), e);
    }
  }

  /** One answer, for another broker. */
  public static GroupAnswerRecord record(GroupAnswer answer) {
    GroupAnswerRecord.Builder record = GroupAnswerRecord.newBuilder();
    if (answer instanceof Joined joined) {
      record.setJoined(
          JoinedAnswer.newBuilder()
              .setMember(GroupParts.member(joined.member()))
              .setReplaced(joined.replaced()));
    } else if (answer instanceof Done) {
      record.setDone(DoneAnswer.getDefaultInstance());
    } else if (answer instanceof Committed committed) {
      CommittedAnswer.Builder all = CommittedAnswer.newBuilder();
      committed
          .stored()
          .forEach((partition, offset) -> all.addStored(GroupParts.offset(partition, offset)));
      committed
          .refused()
          .forEach(
              (partition, error) ->
                  all.addRefused(
                      RefusedOffset.newBuilder()
                          .setPartition(Parts.key(partition))
                          .setError(Parts.error(error))));
      record.setCommitted(all);
    } else if (answer instanceof Rejected rejected) {
      record.setRejected(Parts.error(rejected.error()));
    }
    return record.build();
  }

  /**
   * One answer of another broker.
   *
   * @throws IllegalArgumentException for bad values
   */
  public static GroupAnswer answer(GroupAnswerRecord record) {
    return switch (record.getAnswerCase()) {
      case JOINED ->
          new Joined(
              GroupParts.member(record.getJoined().getMember()), record.getJoined().getReplaced());
      case DONE -> new Done();
      case COMMITTED -> committed(record.getCommitted());
      case REJECTED -> new Rejected(Parts.error(record.getRejected()));
      case ANSWER_NOT_SET -> throw new IllegalArgumentException("nothing that is known is set");
    };
  }

  private static Committed committed(CommittedAnswer record) {
    TreeMap<PartitionId, CommittedOffset> stored = new TreeMap<>();
    record
        .getStoredList()
        .forEach(
            one -> {
              var offset = GroupParts.offset(one);
              stored.put(offset.getKey(), offset.getValue());
            });
    TreeMap<PartitionId, ApiError> refused = new TreeMap<>();
    for (RefusedOffset one : record.getRefusedList()) {
      refused.put(Parts.partitionId(one.getPartition()), Parts.error(one.getError()));
    }
    return new Committed(stored, refused);
  }
}
