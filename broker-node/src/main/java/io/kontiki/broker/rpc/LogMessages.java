package io.kontiki.broker.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnsafeByteOperations;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.ProduceAnswer;
import io.kontiki.broker.api.ProduceRequest;
import io.kontiki.broker.api.ReadRequest;
import io.kontiki.broker.api.RecordChunk;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.model.Acks;
import io.kontiki.record.Record;
import io.kontiki.record.RecordHeader;
import io.kontiki.v1.ListOffsetsResponse;
import io.kontiki.v1.ListedOffset;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.OffsetSpec;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.ProduceResponse;
import io.kontiki.v1.ReadResponse;
import io.kontiki.v1.RecordPosition;
import io.kontiki.v1.Records;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Messages of LogService as plain requests, and answers as messages. */
final class LogMessages {
  private static final long MAX_SECONDS = 253_402_300_799L; // 9999-12-31T23:59:59Z

  private LogMessages() {}

  static ProduceRequest produce(io.kontiki.v1.ProduceRequest message) throws BadMessage {
    List<Record> records = new ArrayList<>(message.getRecordsCount());
    for (int i = 0; i < message.getRecordsCount(); i++) {
      records.add(record(message.getRecords(i), i));
    }
    if (message.hasPartition() && message.getPartition() < 0) {
      throw new BadMessage("partition", message.getPartition() + " is negative");
    }
    if (message.hasProducerId() && message.getProducerId() < 0) {
      throw new BadMessage("producer_id", message.getProducerId() + " is negative");
    }
    return new ProduceRequest(
        message.getTopic(),
        message.hasPartition() ? message.getPartition() : ProduceRequest.BY_KEY,
        records,
        acks(message.getAcks()),
        message.hasProducerId() ? message.getProducerId() : ProduceRequest.NO_PRODUCER_ID,
        message.getSequence());
  }

  static Acks acks(io.kontiki.v1.Acks acks) throws BadMessage {
    return switch (acks) {
      case ACKS_UNSPECIFIED, ACKS_ALL -> Acks.ALL;
      case ACKS_LEADER -> Acks.LEADER;
      case ACKS_NONE -> Acks.NONE;
      case UNRECOGNIZED -> throw new BadMessage("acks", "is none of ALL, LEADER and NONE");
    };
  }

  // The compact constructor's class file does not say that key and value may be null.
  @SuppressWarnings("NullAway")
  private static Record record(LogRecord message, int index) throws BadMessage {
    List<RecordHeader> headers = new ArrayList<>(message.getHeadersCount());
    for (io.kontiki.v1.RecordHeader header : message.getHeadersList()) {
      headers.add(new RecordHeader(header.getKey(), bytes(header.hasValue(), header.getValue())));
    }
    return new Record(
        0,
        message.hasTimestamp()
            ? timestampMs(message.getTimestamp(), "records[" + index + "].timestamp")
            : ProduceRequest.NO_TIMESTAMP,
        bytes(message.hasKey(), message.getKey()),
        bytes(message.hasValue(), message.getValue()),
        headers);
  }

  private static byte @Nullable [] bytes(boolean present, ByteString bytes) {
    return present ? bytes.toByteArray() : null;
  }

  static long timestampMs(Timestamp timestamp, String field) throws BadMessage {
    if (timestamp.getSeconds() < 0
        || timestamp.getSeconds() > MAX_SECONDS
        || timestamp.getNanos() < 0
        || timestamp.getNanos() > 999_999_999) {
      throw new BadMessage(
          field,
          timestamp.getSeconds()
              + " s and "
              + timestamp.getNanos()
              + " ns are not a time from 1970 to 9999");
    }
    return timestamp.getSeconds() * 1000 + timestamp.getNanos() / 1_000_000;
  }

  static Timestamp timestamp(long ms) {
    return Timestamp.newBuilder()
        .setSeconds(Math.floorDiv(ms, 1000L))
        .setNanos((int) Math.floorMod(ms, 1000L) * 1_000_000)
        .build();
  }

  static ProduceResponse produced(ProduceAnswer.Produced answer) {
    ProduceResponse.Builder response = ProduceResponse.newBuilder();
    for (ProduceAnswer.Position position : answer.positions()) {
      RecordPosition.Builder one = RecordPosition.newBuilder().setPartition(position.partition());
      if (position.offset() >= 0) {
        one.setOffset(position.offset());
      }
      response.addPositions(one);
    }
    return response.build();
  }

  static ReadRequest read(io.kontiki.v1.ReadRequest message) throws BadMessage {
    if (message.hasPartition() && message.getPartition() < 0) {
      throw new BadMessage("partition", message.getPartition() + " is negative");
    }
    return new ReadRequest(
        message.getTopic(),
        message.hasPartition() ? message.getPartition() : -1,
        message.hasStart() ? spec(message.getStart(), "start") : new StartSpec.Earliest(),
        message.getFollow(),
        message.getMaxRecords());
  }

  static StartSpec spec(OffsetSpec spec, String field) throws BadMessage {
    return switch (spec.getSpecCase()) {
      case OFFSET -> new StartSpec.AtOffset(spec.getOffset());
      case TIMESTAMP ->
          new StartSpec.AtTime(timestampMs(spec.getTimestamp(), field + ".timestamp"));
      case COMMITTED_BY -> {
        if (spec.getCommittedBy().isEmpty()) {
          throw new BadMessage(field + ".committed_by", "is empty and must name a group");
        }
        yield new StartSpec.CommittedBy(spec.getCommittedBy());
      }
      case ANCHOR ->
          switch (spec.getAnchor()) {
            case OFFSET_ANCHOR_EARLIEST -> new StartSpec.Earliest();
            case OFFSET_ANCHOR_LATEST -> new StartSpec.Latest();
            case OFFSET_ANCHOR_UNSPECIFIED, UNRECOGNIZED ->
                throw new BadMessage(field + ".anchor", "is neither EARLIEST nor LATEST");
          };
      case SPEC_NOT_SET ->
          throw new BadMessage(field, "one of anchor, offset, timestamp, committed_by must be set");
    };
  }

  static ReadResponse records(String topic, RecordChunk chunk) {
    return ReadResponse.newBuilder().setRecords(recordsOf(topic, chunk)).build();
  }

  static Records recordsOf(String topic, RecordChunk chunk) {
    PartitionOffset.Builder position =
        PartitionOffset.newBuilder()
            .setTopic(topic)
            .setPartition(chunk.partition())
            .setOffset(chunk.nextOffset());
    if (chunk.leaderEpoch() >= 0) {
      position.setLeaderEpoch(chunk.leaderEpoch());
    }
    Records.Builder records =
        Records.newBuilder()
            .setTopic(topic)
            .setPartition(chunk.partition())
            .setPosition(position)
            .setHighWatermark(chunk.highWatermark());
    chunk.records().forEach(record -> records.addRecords(record(record)));
    return records.build();
  }

  private static LogRecord record(Record record) {
    LogRecord.Builder message = LogRecord.newBuilder().setOffset(record.offset());
    byte[] key = record.key();
    if (key != null) {
      message.setKey(bytes(key));
    }
    byte[] value = record.value();
    if (value != null) {
      message.setValue(bytes(value));
    }
    if (record.timestampMs() >= 0) {
      message.setTimestamp(timestamp(record.timestampMs()));
    }
    for (RecordHeader header : record.headers()) {
      byte[] content = header.value();
      io.kontiki.v1.RecordHeader.Builder one =
          io.kontiki.v1.RecordHeader.newBuilder().setKey(header.key());
      if (content != null) {
        one.setValue(bytes(content));
      }
      message.addHeaders(one);
    }
    return message.build();
  }

  /** Without a copy: nobody changes the arrays of a record. */
  private static ByteString bytes(byte[] bytes) {
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  static ListOffsetsResponse offsets(List<OffsetListing.Listed> offsets) {
    ListOffsetsResponse.Builder response = ListOffsetsResponse.newBuilder();
    for (OffsetListing.Listed listed : offsets) {
      ListedOffset.Builder one = ListedOffset.newBuilder().setPartition(listed.partition());
      if (listed.offset() >= 0) {
        one.setOffset(listed.offset());
      }
      if (listed.timestampMs() >= 0) {
        one.setTimestamp(timestamp(listed.timestampMs()));
      }
      if (listed.leaderEpoch() >= 0) {
        one.setLeaderEpoch(listed.leaderEpoch());
      }
      response.addOffsets(one);
    }
    return response.build();
  }
}
