package io.kontiki.metadata.codec;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.kontiki.internal.v1.BrokerRecord;
import io.kontiki.internal.v1.BrokerStateKind;
import io.kontiki.internal.v1.LogEndReportRecord;
import io.kontiki.internal.v1.LogEndsRecord;
import io.kontiki.internal.v1.SnapshotHeader;
import io.kontiki.internal.v1.TombstoneRecord;
import io.kontiki.internal.v1.TopicRecord;
import io.kontiki.internal.v1.VoterRecord;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.LogEndReport;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.Tombstone;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.TreeMap;

/**
 * An image as a stream of bytes; equal images give equal bytes.
 *
 * <pre>
 * 0   4  magic "KMET"
 * 4   4  version, big-endian
 * 8   …  SnapshotHeader, then as many voters, brokers, topics, tombstones and log ends as it says,
 *        each a message behind its length (4 bytes, big-endian); nothing behind the last
 * </pre>
 *
 * Checksums are around it, by whoever stores or ships it (rule M9).
 */
public final class ClusterImageCodec {
  /** Of the layout above. */
  public static final int VERSION = 1;

  private static final int MAGIC = 0x4b4d4554;

  private ClusterImageCodec() {}

  /** Writes the image; does not close the stream. */
  public static void write(ClusterImage image, OutputStream out) throws IOException {
    DataOutputStream data = SnapshotFrames.begin(out, MAGIC, VERSION);
    SnapshotFrames.put(
        data,
        SnapshotHeader.newBuilder()
            .setIndex(image.index())
            .setClusterId(Parts.bytes(image.clusterId()))
            .setFeatureLevel(image.featureLevel())
            .setNextProducerId(image.nextProducerId())
            .setNextThinProducerId(image.nextThinProducerId())
            .setCatchUpBytesPerSecond(image.catchUpBytesPerSecond())
            .setGroupShards(image.groupShards())
            .setVoters(image.voters().size())
            .setBrokers(image.brokers().size())
            .setTopics(image.topics().size())
            .setTombstones(image.tombstones().size())
            .setLogEnds(image.logEnds().size())
            .build());
    for (VoterImage voter : image.voters().values()) {
      SnapshotFrames.put(data, Parts.voter(voter));
    }
    for (BrokerImage broker : image.brokers().values()) {
      SnapshotFrames.put(data, broker(broker));
    }
    for (TopicImage topic : image.topics().values()) {
      SnapshotFrames.put(data, topic(topic));
    }
    for (Tombstone tombstone : image.tombstones().values()) {
      SnapshotFrames.put(
          data,
          TombstoneRecord.newBuilder()
              .setId(Parts.bytes(tombstone.id()))
              .setName(tombstone.name())
              .addAllPendingBrokers(tombstone.pendingBrokers())
              .build());
    }
    for (var entry : image.logEnds().entrySet()) {
      SnapshotFrames.put(data, logEnds(entry.getKey(), entry.getValue()));
    }
    data.flush();
  }

  /**
   * Reads a whole image, to the end of the stream.
   *
   * @throws IOException if the stream ends early or fails
   * @throws CorruptMetadataException if the bytes are no image, or one of a newer version; never an
   *     empty image (rule M9)
   */
  public static ClusterImage read(InputStream in) throws IOException {
    try {
      return image(in);
    } catch (IllegalArgumentException | InvalidProtocolBufferException e) {
      throw new CorruptMetadataException("no metadata snapshot: " + e.getMessage(), e);
    }
  }

  /** SHA-256 of the bytes, hex: equal on two nodes only if their images are. */
  public static String digest(ClusterImage image) {
    return SnapshotFrames.digest(out -> write(image, out));
  }

  private static ClusterImage image(InputStream in) throws IOException {
    DataInputStream data = SnapshotFrames.open(in, MAGIC, VERSION);
    SnapshotHeader header = next(SnapshotHeader.parser(), data);
    TreeMap<Integer, VoterImage> voters = new TreeMap<>();
    for (int i = 0; i < header.getVoters(); i++) {
      VoterImage voter = Parts.voter(next(VoterRecord.parser(), data));
      voters.put(voter.id(), voter);
    }
    TreeMap<Integer, BrokerImage> brokers = new TreeMap<>();
    for (int i = 0; i < header.getBrokers(); i++) {
      BrokerImage broker = broker(next(BrokerRecord.parser(), data));
      brokers.put(broker.id(), broker);
    }
    TreeMap<TopicId, TopicImage> topics = new TreeMap<>();
    TreeMap<String, TopicId> names = new TreeMap<>();
    for (int i = 0; i < header.getTopics(); i++) {
      TopicImage topic = topic(next(TopicRecord.parser(), data));
      topics.put(topic.id(), topic);
      names.put(topic.name(), topic.id());
    }
    TreeMap<TopicId, Tombstone> tombstones = new TreeMap<>();
    for (int i = 0; i < header.getTombstones(); i++) {
      TombstoneRecord record = next(TombstoneRecord.parser(), data);
      TopicId id = Parts.topicId(record.getId());
      tombstones.put(id, new Tombstone(id, record.getName(), record.getPendingBrokersList()));
    }
    TreeMap<PartitionId, List<LogEndReport>> logEnds = new TreeMap<>();
    for (int i = 0; i < header.getLogEnds(); i++) {
      LogEndsRecord record = next(LogEndsRecord.parser(), data);
      logEnds.put(
          Parts.partitionId(record.getPartition()),
          record.getReportsList().stream().map(ClusterImageCodec::logEnd).toList());
    }
    SnapshotFrames.end(data);
    return new ClusterImage(
        header.getIndex(),
        Parts.uid(header.getClusterId()),
        header.getFeatureLevel(),
        voters,
        brokers,
        topics,
        names,
        tombstones,
        header.getNextProducerId(),
        header.getNextThinProducerId(),
        header.getCatchUpBytesPerSecond(),
        logEnds,
        header.getGroupShards());
  }

  private static <M extends MessageLite> M next(Parser<M> parser, DataInputStream in)
      throws IOException {
    return SnapshotFrames.next(parser, in, "the metadata snapshot");
  }

  private static BrokerRecord broker(BrokerImage broker) {
    return BrokerRecord.newBuilder()
        .setId(broker.id())
        .setEpoch(broker.epoch())
        .setDirectoryId(Parts.bytes(broker.directoryId()))
        .setIncarnation(Parts.bytes(broker.incarnation()))
        .setEndpoints(Parts.endpoints(broker.endpoints()))
        .setState(
            switch (broker.state()) {
              case FENCED -> BrokerStateKind.BROKER_STATE_KIND_FENCED;
              case ACTIVE -> BrokerStateKind.BROKER_STATE_KIND_ACTIVE;
              case STOPPING -> BrokerStateKind.BROKER_STATE_KIND_STOPPING;
              case DRAINING -> BrokerStateKind.BROKER_STATE_KIND_DRAINING;
            })
        .setStateSinceMs(broker.stateSinceMs())
        .setVersion(broker.version())
        .setWish(Parts.wish(broker.wish()))
        .setWishes(broker.wishes())
        .build();
  }

  private static BrokerImage broker(BrokerRecord record) {
    return new BrokerImage(
        record.getId(),
        record.getEpoch(),
        Parts.uid(record.getDirectoryId()),
        Parts.uid(record.getIncarnation()),
        Parts.endpoints(record.getEndpoints()),
        switch (record.getState()) {
          case BROKER_STATE_KIND_FENCED -> BrokerImage.State.FENCED;
          case BROKER_STATE_KIND_ACTIVE -> BrokerImage.State.ACTIVE;
          case BROKER_STATE_KIND_STOPPING -> BrokerImage.State.STOPPING;
          case BROKER_STATE_KIND_DRAINING -> BrokerImage.State.DRAINING;
          case BROKER_STATE_KIND_UNSPECIFIED, UNRECOGNIZED ->
              throw new IllegalArgumentException(
                  "broker " + record.getId() + " in state " + record.getStateValue());
        },
        record.getStateSinceMs(),
        record.getVersion(),
        Parts.wish(record.getWish()),
        record.getWishes());
  }

  private static TopicRecord topic(TopicImage topic) {
    TopicRecord.Builder record =
        TopicRecord.newBuilder()
            .setId(Parts.bytes(topic.id()))
            .setName(topic.name())
            .addAllConfig(Parts.settings(topic.config()))
            .addAllFormer(topic.former());
    for (PartitionImage partition : topic.partitions()) {
      record.addPartitions(Parts.partition(partition));
    }
    return record.build();
  }

  private static TopicImage topic(TopicRecord record) {
    return new TopicImage(
        Parts.topicId(record.getId()),
        record.getName(),
        Parts.settings(record.getConfigList()),
        record.getPartitionsList().stream().map(Parts::partition).toList(),
        record.getFormerList());
  }

  private static LogEndsRecord logEnds(PartitionId partition, List<LogEndReport> reports) {
    LogEndsRecord.Builder record = LogEndsRecord.newBuilder().setPartition(Parts.key(partition));
    for (LogEndReport report : reports) {
      record.addReports(
          LogEndReportRecord.newBuilder()
              .setBrokerId(report.brokerId())
              .setBrokerEpoch(report.brokerEpoch())
              .setLastEpoch(report.lastEpoch())
              .setEndOffset(report.endOffset()));
    }
    return record.build();
  }

  private static LogEndReport logEnd(LogEndReportRecord record) {
    return new LogEndReport(
        record.getBrokerId(),
        record.getBrokerEpoch(),
        record.getLastEpoch(),
        record.getEndOffset());
  }
}
