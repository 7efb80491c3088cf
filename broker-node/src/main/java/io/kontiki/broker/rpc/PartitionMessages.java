package io.kontiki.broker.rpc;

import com.google.protobuf.ByteString;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.LeaderHint;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.proto.Failures;
import io.kontiki.proto.WithPayload;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.Divergence;
import io.kontiki.raw.v1.Durability;
import io.kontiki.raw.v1.FetchResponse;

/** Messages of PartitionService. */
final class PartitionMessages {
  private PartitionMessages() {}

  static PartitionId partition(ByteString topicId, int partition) throws BadMessage {
    if (topicId.size() != TopicId.BYTES) {
      throw new BadMessage("topic_id", topicId.size() + " bytes; a topic's id has 16");
    }
    if (partition < 0) {
      throw new BadMessage("partition", partition + " is negative");
    }
    return new PartitionId(TopicId.of(topicId.asReadOnlyByteBuffer()), partition);
  }

  static AppendResponse appended(long correlationId, long metadataIndex, AppendAnswer answer) {
    if (answer instanceof AppendAnswer.Failed failed) {
      AppendResponse.Builder response =
          AppendResponse.newBuilder()
              .setCorrelationId(correlationId)
              .setMetadataIndex(metadataIndex)
              .setFailure(Failures.toFailure(failed.error()));
      LeaderHint hint = failed.leader();
      if (hint != null) {
        response.setLeader(hint(hint));
      }
      return response.build();
    }
    AppendAnswer.Appended done = (AppendAnswer.Appended) answer;
    AppendResponse.Builder response =
        AppendResponse.newBuilder()
            .setCorrelationId(correlationId)
            .setMetadataIndex(metadataIndex)
            .setLogStartOffset(done.logStartOffset())
            .setHighWatermark(done.highWatermark())
            .setLeaderEpoch(done.leaderEpoch());
    if (done.baseOffset() >= 0) {
      response.setBaseOffset(done.baseOffset()).setDurability(durability(done.durability()));
    }
    if (done.appendTimeMs() >= 0) {
      response.setAppendTimeMs(done.appendTimeMs());
    }
    return response.build();
  }

  private static Durability durability(io.kontiki.model.Durability durability) {
    return switch (durability) {
      case FSYNC -> Durability.DURABILITY_FSYNC;
      case REPLICATED -> Durability.DURABILITY_REPLICATED;
    };
  }

  static AppendResponse refused(long correlationId, long metadataIndex, ApiError error) {
    return appended(correlationId, metadataIndex, new AppendAnswer.Failed(error, null));
  }

  static WithPayload<FetchResponse> fetched(
      int fetchId, long metadataIndex, FetchAnswer.Fetched fetched) {
    return new WithPayload<>(
        FetchResponse.newBuilder()
            .setFetchId(fetchId)
            .setNextOffset(fetched.nextOffset())
            .setLogStartOffset(fetched.logStartOffset())
            .setHighWatermark(fetched.highWatermark())
            .setLeaderEpoch(fetched.leaderEpoch())
            .setMetadataIndex(metadataIndex)
            .build(),
        fetched.batches());
  }

  static WithPayload<FetchResponse> ended(
      int fetchId, long metadataIndex, long nextOffset, FetchAnswer.Failed failed) {
    FetchResponse.Builder response =
        FetchResponse.newBuilder()
            .setFetchId(fetchId)
            .setNextOffset(nextOffset)
            .setMetadataIndex(metadataIndex)
            .setEnded(true)
            .setFailure(Failures.toFailure(failed.error()));
    LeaderHint hint = failed.leader();
    if (hint != null) {
      response.setLeader(hint(hint));
    }
    if (failed.divergence() != null) {
      response.setDivergence(
          Divergence.newBuilder()
              .setLeaderEpoch(failed.divergence().leaderEpoch())
              .setEndOffset(failed.divergence().endOffset()));
    }
    return WithPayload.of(response.build());
  }

  private static io.kontiki.raw.v1.LeaderHint hint(LeaderHint hint) {
    return io.kontiki.raw.v1.LeaderHint.newBuilder()
        .setBrokerId(hint.brokerId())
        .setGrpcAddress(hint.grpc().toString())
        .setLeaderEpoch(hint.leaderEpoch())
        .build();
  }
}
