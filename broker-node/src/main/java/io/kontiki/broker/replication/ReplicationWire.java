package io.kontiki.broker.replication;

import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.proto.WithPayload;
import io.kontiki.replication.ReplicationMessage;
import java.util.List;

/**
 * What arrives of a message that is sent: for streams that have no wire, as in a simulation, but
 * shall lose what a wire would lose.
 */
public final class ReplicationWire {
  private ReplicationWire() {}

  /**
   * A follower's message as its leader gets it.
   *
   * @throws IllegalArgumentException if a follower does not send it
   */
  public static ReplicationMessage ofFollower(ReplicationMessage message) {
    ReplicateRequest sent = RequestCodec.encode(message);
    return RequestCodec.decode(
        ReplicationMethods.REPLICATE.parseRequest(
            ReplicationMethods.REPLICATE.streamRequest(sent)));
  }

  /**
   * A leader's message as its follower gets it.
   *
   * @return several, if it takes more than one to say the same
   * @throws IllegalArgumentException if a leader does not send it
   */
  public static List<ReplicationMessage> ofLeader(ReplicationMessage message) {
    WithPayload<ReplicateResponse> sent = ResponseCodec.encode(message);
    return ResponseCodec.decode(
        ReplicationMethods.REPLICATE.parseResponse(
            ReplicationMethods.REPLICATE.streamResponse(sent)));
  }
}
