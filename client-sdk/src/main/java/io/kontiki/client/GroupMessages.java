package io.kontiki.client;

import com.google.protobuf.ByteString;
import io.kontiki.v1.Assignor;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.OutOfRangePolicy;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Subscribe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a group consumer says and hears, between the messages of the contract and the API. */
final class GroupMessages {
  private GroupMessages() {}

  /** All that the options say. */
  static Subscribe.Builder subscription(GroupConsumerOptions options) {
    Subscribe.Builder wanted =
        Subscribe.newBuilder()
            .setGroup(options.group())
            .setMemberName(options.memberName())
            .setClientId(options.clientId())
            .setStartAt(Admin.specOf(options.startAt()))
            .setOutOfRange(policy(options.outOfRange()))
            .setAssignor(assignor(options.assignor()))
            .setInitialCreditBytes(options.bufferBytes())
            .setRevokeTimeout(proto(options.revokeTimeout()));
    Duration session = options.sessionTimeout();
    if (session != null) {
      wanted.setSessionTimeout(proto(session));
    }
    return wanted;
  }

  static PartitionOffset offset(TopicPartition key, OffsetAndMetadata what) {
    return PartitionOffset.newBuilder()
        .setTopic(key.topic())
        .setPartition(key.partition())
        .setOffset(what.offset())
        .setMetadata(what.metadata())
        .build();
  }

  static io.kontiki.v1.TopicPartition partition(TopicPartition key) {
    return io.kontiki.v1.TopicPartition.newBuilder()
        .setTopic(key.topic())
        .setPartition(key.partition())
        .build();
  }

  static ConsumerRecord record(TopicPartition partition, LogRecord record) {
    List<io.kontiki.record.RecordHeader> headers = new ArrayList<>(record.getHeadersCount());
    record
        .getHeadersList()
        .forEach(
            header ->
                headers.add(
                    new io.kontiki.record.RecordHeader(
                        header.getKey(), bytes(header.hasValue(), header.getValue()))));
    return new ConsumerRecord(
        partition.topic(),
        partition.partition(),
        record.getOffset(),
        record.hasTimestamp()
            ? record.getTimestamp().getSeconds() * 1_000
                + record.getTimestamp().getNanos() / 1_000_000
            : -1,
        bytes(record.hasKey(), record.getKey()),
        bytes(record.hasValue(), record.getValue()),
        headers);
  }

  private static byte @Nullable [] bytes(boolean isThere, ByteString value) {
    return isThere ? value.toByteArray() : null;
  }

  private static com.google.protobuf.Duration proto(Duration value) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(value.getSeconds())
        .setNanos(value.getNano())
        .build();
  }

  private static OutOfRangePolicy policy(ConsumerOptions.OutOfRange policy) {
    return switch (policy) {
      case EARLIEST -> OutOfRangePolicy.OUT_OF_RANGE_POLICY_EARLIEST;
      case LATEST -> OutOfRangePolicy.OUT_OF_RANGE_POLICY_LATEST;
      case ERROR -> OutOfRangePolicy.OUT_OF_RANGE_POLICY_ERROR;
    };
  }

  private static Assignor assignor(GroupConsumerOptions.Assignor assignor) {
    return switch (assignor) {
      case STICKY -> Assignor.ASSIGNOR_STICKY;
      case UNIFORM -> Assignor.ASSIGNOR_UNIFORM;
      case RANGE -> Assignor.ASSIGNOR_RANGE;
    };
  }
}
