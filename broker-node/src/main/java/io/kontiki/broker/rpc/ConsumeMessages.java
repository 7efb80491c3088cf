package io.kontiki.broker.rpc;

import com.google.protobuf.Duration;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.group.ConsumeAction;
import io.kontiki.broker.group.ConsumeEvent;
import io.kontiki.broker.group.Named;
import io.kontiki.broker.group.OutsideCommit;
import io.kontiki.broker.group.Place;
import io.kontiki.broker.group.Subscription;
import io.kontiki.group.Assignor;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.proto.Failures;
import io.kontiki.v1.Assigned;
import io.kontiki.v1.CommitFailure;
import io.kontiki.v1.CommitRequest;
import io.kontiki.v1.Committed;
import io.kontiki.v1.ConsumeRequest;
import io.kontiki.v1.ConsumeResponse;
import io.kontiki.v1.Heartbeat;
import io.kontiki.v1.PartitionOffset;
import io.kontiki.v1.Reconnect;
import io.kontiki.v1.RepositionCause;
import io.kontiki.v1.Repositioned;
import io.kontiki.v1.RevokeReason;
import io.kontiki.v1.Revoked;
import io.kontiki.v1.Revoking;
import io.kontiki.v1.Seek;
import io.kontiki.v1.Subscribe;
import io.kontiki.v1.TopicPartition;
import java.util.ArrayList;
import java.util.List;

/** Messages of Consume as plain actions, and events as messages. */
final class ConsumeMessages {
  private static final long MAX_SECONDS = 1_000_000;

  private ConsumeMessages() {}

  /** What the client wants; what cannot be read ends the stream. */
  static ConsumeAction action(ConsumeRequest message, ClientInfo client) {
    try {
      return switch (message.getActionCase()) {
        case SUBSCRIBE -> new ConsumeAction.Subscribe(subscription(message.getSubscribe(), client));
        case COMMIT -> new ConsumeAction.Commit(places(message.getCommit().getOffsetsList()));
        case RELEASE -> new ConsumeAction.Release(names(message.getRelease().getPartitionsList()));
        case PAUSE -> new ConsumeAction.Pause(names(message.getPause().getPartitionsList()));
        case RESUME -> new ConsumeAction.Resume(names(message.getResume().getPartitionsList()));
        case SEEK -> seek(message.getSeek());
        case CREDIT -> new ConsumeAction.Credit(message.getCredit().getBytes());
        case ACTION_NOT_SET ->
            new ConsumeAction.Bad(
                ApiError.definite(
                    ErrorReason.UNKNOWN_ACTION,
                    "a message without an action that this version of Kontiki knows"));
      };
    } catch (BadMessage e) {
      return new ConsumeAction.Bad(e.error());
    }
  }

  private static Subscription subscription(Subscribe message, ClientInfo client) throws BadMessage {
    boolean credit = message.getFlowControlCase() == Subscribe.FlowControlCase.INITIAL_CREDIT_BYTES;
    boolean window = message.getFlowControlCase() == Subscribe.FlowControlCase.WINDOW_BYTES;
    if (window && message.getWindowBytes() <= 0) {
      throw new BadMessage(
          "subscribe.window_bytes", message.getWindowBytes() + " must be positive");
    }
    boolean dynamic = message.getMemberName().isEmpty();
    return new Subscription(
        message.getGroup(),
        message.getTopicsList(),
        message.getTopicPattern(),
        message.hasStartAt()
            ? LogMessages.spec(message.getStartAt(), "subscribe.start_at")
            : new StartSpec.Earliest(),
        outOfRange(message),
        credit ? 0 : window ? message.getWindowBytes() : Subscription.DEFAULT_WINDOW_BYTES,
        credit ? message.getInitialCreditBytes() : 0,
        message.getMemberName(),
        message.getMemberId(),
        message.getClientId().isEmpty() ? client.userAgent() : message.getClientId(),
        client.host(),
        message.hasSessionTimeout()
            ? ms(message.getSessionTimeout(), "subscribe.session_timeout")
            : dynamic ? Subscription.DYNAMIC_SESSION_MS : Subscription.STATIC_SESSION_MS,
        message.hasRevokeTimeout()
            ? ms(message.getRevokeTimeout(), "subscribe.revoke_timeout")
            : Subscription.DEFAULT_REVOKE_MS,
        assignor(message),
        message.getAssignmentsOnly());
  }

  private static Subscription.OutOfRange outOfRange(Subscribe message) throws BadMessage {
    return switch (message.getOutOfRange()) {
      case OUT_OF_RANGE_POLICY_UNSPECIFIED, OUT_OF_RANGE_POLICY_EARLIEST ->
          Subscription.OutOfRange.EARLIEST;
      case OUT_OF_RANGE_POLICY_LATEST -> Subscription.OutOfRange.LATEST;
      case OUT_OF_RANGE_POLICY_ERROR -> Subscription.OutOfRange.ERROR;
      case UNRECOGNIZED ->
          throw new BadMessage("subscribe.out_of_range", "is none of EARLIEST, LATEST and ERROR");
    };
  }

  private static Assignor assignor(Subscribe message) throws BadMessage {
    return switch (message.getAssignor()) {
      case ASSIGNOR_UNSPECIFIED, ASSIGNOR_STICKY -> Assignor.STICKY;
      case ASSIGNOR_UNIFORM -> Assignor.UNIFORM;
      case ASSIGNOR_RANGE -> Assignor.RANGE;
      case UNRECOGNIZED ->
          throw new BadMessage("subscribe.assignor", "is none of STICKY, UNIFORM and RANGE");
    };
  }

  private static long ms(Duration duration, String field) throws BadMessage {
    if (duration.getSeconds() < 0
        || duration.getSeconds() > MAX_SECONDS
        || duration.getNanos() < 0
        || duration.getNanos() > 999_999_999) {
      throw new BadMessage(
          field, duration.getSeconds() + " s and " + duration.getNanos() + " ns are no such time");
    }
    return duration.getSeconds() * 1000 + (duration.getNanos() + 999_999) / 1_000_000;
  }

  private static ConsumeAction seek(Seek message) throws BadMessage {
    if (!message.hasTo()) {
      throw new BadMessage("seek.to", "must be set");
    }
    StartSpec to = LogMessages.spec(message.getTo(), "seek.to");
    if (to instanceof StartSpec.AtOffset at && at.offset() < 0) {
      throw new BadMessage("seek.to.offset", at.offset() + " is negative");
    }
    return new ConsumeAction.Seek(new Named(message.getTopic(), message.getPartition()), to);
  }

  private static List<Named> names(List<TopicPartition> messages) {
    List<Named> names = new ArrayList<>(messages.size());
    messages.forEach(message -> names.add(new Named(message.getTopic(), message.getPartition())));
    return names;
  }

  private static List<Place> places(List<PartitionOffset> messages) {
    List<Place> places = new ArrayList<>(messages.size());
    for (PartitionOffset message : messages) {
      places.add(
          new Place(
              new Named(message.getTopic(), message.getPartition()),
              message.getOffset(),
              message.hasLeaderEpoch() ? message.getLeaderEpoch() : Place.NO_EPOCH,
              message.getMetadata()));
    }
    return places;
  }

  static OutsideCommit.Request commit(CommitRequest message) {
    return new OutsideCommit.Request(
        message.getGroup(),
        places(message.getOffsetsList()),
        message.getMemberId(),
        message.getGeneration());
  }

  static ConsumeResponse event(ConsumeEvent event) {
    ConsumeResponse.Builder response = ConsumeResponse.newBuilder();
    if (event instanceof ConsumeEvent.Records records) {
      response.setRecords(LogMessages.recordsOf(records.topic(), records.chunk()));
    } else if (event instanceof ConsumeEvent.Assigned assigned) {
      response.setAssigned(
          Assigned.newBuilder()
              .setGeneration(assigned.generation())
              .setMemberId(assigned.memberId())
              .addAllPartitions(offsets(assigned.partitions())));
    } else if (event instanceof ConsumeEvent.Committed committed) {
      response.setCommitted(committed(committed));
    } else if (event instanceof ConsumeEvent.Revoking revoking) {
      response.setRevoking(
          Revoking.newBuilder()
              .addAllPartitions(partitions(revoking.partitions()))
              .setTimeLeft(duration(revoking.timeLeftMs())));
    } else if (event instanceof ConsumeEvent.Revoked revoked) {
      response.setRevoked(
          Revoked.newBuilder()
              .addAllPartitions(partitions(revoked.partitions()))
              .setReason(reason(revoked.reason())));
    } else if (event instanceof ConsumeEvent.Repositioned moved) {
      response.setRepositioned(repositioned(moved));
    } else if (event instanceof ConsumeEvent.Reconnect reconnect) {
      response.setReconnect(Reconnect.newBuilder().setTimeLeft(duration(reconnect.timeLeftMs())));
    } else {
      response.setHeartbeat(Heartbeat.getDefaultInstance());
    }
    return response.build();
  }

  private static Committed committed(ConsumeEvent.Committed committed) {
    Committed.Builder message = Committed.newBuilder().addAllOffsets(offsets(committed.offsets()));
    for (ConsumeEvent.Refused refused : committed.failures()) {
      message.addFailures(
          CommitFailure.newBuilder()
              .setOffset(offset(refused.offset()))
              .setFailure(Failures.toFailure(refused.why())));
    }
    return message.build();
  }

  private static Repositioned repositioned(ConsumeEvent.Repositioned moved) {
    Repositioned.Builder message =
        Repositioned.newBuilder()
            .setPosition(offset(moved.position()))
            .setCause(
                moved.outOfRange()
                    ? RepositionCause.REPOSITION_CAUSE_OUT_OF_RANGE
                    : RepositionCause.REPOSITION_CAUSE_SEEK);
    if (moved.outOfRange()) {
      message.setPreviousOffset(moved.previousOffset());
    }
    return message.build();
  }

  private static RevokeReason reason(ConsumeEvent.RevokeReason reason) {
    return switch (reason) {
      case REBALANCE -> RevokeReason.REVOKE_REASON_REBALANCE;
      case TIMEOUT -> RevokeReason.REVOKE_REASON_TIMEOUT;
      case TOPIC_DELETED -> RevokeReason.REVOKE_REASON_TOPIC_DELETED;
    };
  }

  private static List<TopicPartition> partitions(List<Named> names) {
    List<TopicPartition> messages = new ArrayList<>(names.size());
    for (Named name : names) {
      messages.add(
          TopicPartition.newBuilder()
              .setTopic(name.topic())
              .setPartition(name.partition())
              .build());
    }
    return messages;
  }

  private static List<PartitionOffset> offsets(List<Place> places) {
    List<PartitionOffset> messages = new ArrayList<>(places.size());
    places.forEach(place -> messages.add(offset(place)));
    return messages;
  }

  private static PartitionOffset offset(Place place) {
    PartitionOffset.Builder message =
        PartitionOffset.newBuilder()
            .setTopic(place.partition().topic())
            .setPartition(place.partition().partition())
            .setOffset(place.offset())
            .setMetadata(place.metadata());
    if (place.leaderEpoch() >= 0) {
      message.setLeaderEpoch(place.leaderEpoch());
    }
    return message.build();
  }

  private static Duration duration(long ms) {
    return Duration.newBuilder()
        .setSeconds(ms / 1000)
        .setNanos((int) (ms % 1000) * 1_000_000)
        .build();
  }
}
