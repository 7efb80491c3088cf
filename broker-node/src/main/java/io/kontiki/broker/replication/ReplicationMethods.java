package io.kontiki.broker.replication;

import io.grpc.MethodDescriptor;
import io.kontiki.internal.v1.ReplicateRequest;
import io.kontiki.internal.v1.ReplicateResponse;
import io.kontiki.internal.v1.ReplicationServiceGrpc;
import io.kontiki.proto.PayloadMarshaller;
import io.kontiki.proto.WithPayload;

/** The call of ReplicationService, with batches kept out of generated code. */
final class ReplicationMethods {
  /** Largest message of a leader: a batch of the greatest size allowed behind a full message. */
  static final int MAX_MESSAGE_BYTES = 68 << 20;

  static final MethodDescriptor<ReplicateRequest, WithPayload<ReplicateResponse>> REPLICATE =
      ReplicationServiceGrpc.getReplicateMethod().toBuilder(
              ReplicationServiceGrpc.getReplicateMethod().getRequestMarshaller(),
              new PayloadMarshaller<>(ReplicateResponse.getDefaultInstance(), MAX_MESSAGE_BYTES))
          .build();

  private ReplicationMethods() {}
}
