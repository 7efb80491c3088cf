package io.kontiki.broker.replication;

import io.kontiki.internal.v1.PartitionPart;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.internal.v1.SubscriptionAccepted;
import io.kontiki.internal.v1.SubscriptionAnswer;
import io.kontiki.internal.v1.SubscriptionBehind;
import io.kontiki.internal.v1.SubscriptionDiverging;
import io.kontiki.internal.v1.SubscriptionRefusal;
import io.kontiki.proto.WithPayload;
import io.kontiki.replication.ReplicationMessage;
import io.kontiki.replication.ReplicationMessage.Answers;
import io.kontiki.replication.ReplicationMessage.Data;
import io.kontiki.replication.ReplicationMessage.Mend;
import io.kontiki.replication.ReplicationMessage.PartitionData;
import io.kontiki.replication.ReplicationMessage.PartitionMend;
import io.kontiki.replication.SubscribeAnswer;
import io.kontiki.replication.SubscribeAnswer.Refusal;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A leader's messages on the wire; batches are neither copied out nor, on arrival, again in. */
final class ResponseCodec {
  private ResponseCodec() {}

  /**
   * To the wire.
   *
   * @throws IllegalArgumentException if a leader does not send it
   */
  static WithPayload<ReplicateResponse> encode(ReplicationMessage message) {
    ReplicateResponse.Builder response = ReplicateResponse.newBuilder();
    if (message instanceof Data data) {
      List<ByteBuffer> payload = new ArrayList<>();
      for (PartitionData part : data.parts()) {
        response.addParts(
            PartitionPart.newBuilder()
                .setId(part.subscription())
                .setHighWatermark(part.highWatermark())
                .setLogStartOffset(part.logStartOffset())
                .setBytes(part.bytes()));
        payload.addAll(part.batches());
      }
      return new WithPayload<>(response.build(), payload);
    }
    if (message instanceof Mend mend) {
      List<ByteBuffer> payload = new ArrayList<>();
      for (PartitionMend part : mend.parts()) {
        response.addParts(
            PartitionPart.newBuilder()
                .setId(part.subscription())
                .setBytes(part.bytes())
                .setMends(true));
        payload.addAll(part.batches());
      }
      return new WithPayload<>(response.build(), payload);
    }
    if (message instanceof Answers answers) {
      answers.answers().forEach(answer -> response.addAnswers(encode(answer)));
      return WithPayload.of(response.build());
    }
    throw new IllegalArgumentException(
        "a leader does not send " + message.getClass().getSimpleName());
  }

  private static SubscriptionAnswer encode(SubscribeAnswer answer) {
    SubscriptionAnswer.Builder to = SubscriptionAnswer.newBuilder().setId(answer.subscription());
    if (answer instanceof SubscribeAnswer.Accepted accepted) {
      to.setAccepted(
          SubscriptionAccepted.newBuilder()
              .setHighWatermark(accepted.highWatermark())
              .setLogStartOffset(accepted.logStartOffset()));
    } else if (answer instanceof SubscribeAnswer.Diverging diverging) {
      to.setDiverging(
          SubscriptionDiverging.newBuilder()
              .setEpoch(diverging.epoch())
              .setEndOffset(diverging.endOffset()));
    } else if (answer instanceof SubscribeAnswer.Behind behind) {
      to.setBehind(SubscriptionBehind.newBuilder().setLogStartOffset(behind.logStartOffset()));
    } else {
      to.setRefused(encode(((SubscribeAnswer.Refused) answer).refusal()));
    }
    return to.build();
  }

  private static SubscriptionRefusal encode(Refusal refusal) {
    return switch (refusal) {
      case FENCED_LEADER_EPOCH -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_FENCED_LEADER_EPOCH;
      case UNKNOWN_LEADER_EPOCH -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_UNKNOWN_LEADER_EPOCH;
      case NOT_LEADER -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_NOT_LEADER;
      case NOT_A_REPLICA -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_NOT_A_REPLICA;
      case SUPERSEDED -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_SUPERSEDED;
      case INCONSISTENT -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_INCONSISTENT;
      case UNREADABLE -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_UNREADABLE;
      case FAR_BEHIND -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_FAR_BEHIND;
      case CAUGHT_UP -> SubscriptionRefusal.SUBSCRIPTION_REFUSAL_CAUGHT_UP;
    };
  }

  /**
   * From the wire.
   *
   * @return the messages that one response carries, answers first
   * @throws IllegalArgumentException if it is not a message of a leader; says why
   */
  static List<ReplicationMessage> decode(WithPayload<ReplicateResponse> response) {
    List<ReplicationMessage> messages = new ArrayList<>(1);
    ReplicateResponse from = response.message();
    if (from.getAnswersCount() > 0) {
      List<SubscribeAnswer> answers = new ArrayList<>(from.getAnswersCount());
      from.getAnswersList().forEach(answer -> answers.add(decode(answer)));
      messages.add(new Answers(answers));
    }
    if (from.getPartsCount() > 0) {
      messages.addAll(parts(from, response.joined()));
    }
    return messages;
  }

  private static List<ReplicationMessage> parts(ReplicateResponse from, ByteBuffer records) {
    List<PartitionData> data = new ArrayList<>(from.getPartsCount());
    List<PartitionMend> mends = new ArrayList<>(0);
    int at = records.position();
    for (PartitionPart part : from.getPartsList()) {
      int bytes = part.getBytes();
      if (bytes < 0 || bytes > records.limit() - at) {
        throw new IllegalArgumentException(
            "a part of " + bytes + " bytes at " + at + " of " + records.limit());
      }
      List<ByteBuffer> batches = bytes == 0 ? List.of() : List.of(records.slice(at, bytes));
      if (part.getMends()) {
        mends.add(new PartitionMend(part.getId(), batches));
      } else {
        data.add(
            new PartitionData(
                part.getId(), part.getHighWatermark(), part.getLogStartOffset(), batches));
      }
      at += bytes;
    }
    if (at != records.limit()) {
      throw new IllegalArgumentException(
          (records.limit() - at) + " bytes behind the last part of a replication message");
    }
    List<ReplicationMessage> messages = new ArrayList<>(1);
    if (!data.isEmpty()) {
      messages.add(new Data(data));
    }
    if (!mends.isEmpty()) {
      messages.add(new Mend(mends));
    }
    return messages;
  }

  private static SubscribeAnswer decode(SubscriptionAnswer answer) {
    long id = answer.getId();
    return switch (answer.getOutcomeCase()) {
      case ACCEPTED ->
          new SubscribeAnswer.Accepted(
              id,
              answer.getAccepted().getHighWatermark(),
              answer.getAccepted().getLogStartOffset());
      case DIVERGING ->
          new SubscribeAnswer.Diverging(
              id, answer.getDiverging().getEpoch(), answer.getDiverging().getEndOffset());
      case BEHIND -> new SubscribeAnswer.Behind(id, answer.getBehind().getLogStartOffset());
      case REFUSED -> new SubscribeAnswer.Refused(id, refusal(answer));
      default ->
          throw new IllegalArgumentException(
              "subscription " + id + " has an answer without outcome");
    };
  }

  private static Refusal refusal(SubscriptionAnswer answer) {
    return switch (answer.getRefused()) {
      case SUBSCRIPTION_REFUSAL_FENCED_LEADER_EPOCH -> Refusal.FENCED_LEADER_EPOCH;
      case SUBSCRIPTION_REFUSAL_UNKNOWN_LEADER_EPOCH -> Refusal.UNKNOWN_LEADER_EPOCH;
      case SUBSCRIPTION_REFUSAL_NOT_LEADER -> Refusal.NOT_LEADER;
      case SUBSCRIPTION_REFUSAL_NOT_A_REPLICA -> Refusal.NOT_A_REPLICA;
      case SUBSCRIPTION_REFUSAL_SUPERSEDED -> Refusal.SUPERSEDED;
      case SUBSCRIPTION_REFUSAL_INCONSISTENT -> Refusal.INCONSISTENT;
      case SUBSCRIPTION_REFUSAL_UNREADABLE -> Refusal.UNREADABLE;
      case SUBSCRIPTION_REFUSAL_FAR_BEHIND -> Refusal.FAR_BEHIND;
      case SUBSCRIPTION_REFUSAL_CAUGHT_UP -> Refusal.CAUGHT_UP;
      default -> throw new IllegalArgumentException("unknown refusal " + answer.getRefusedValue());
    };
  }
}
