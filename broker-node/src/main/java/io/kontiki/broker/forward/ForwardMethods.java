package io.kontiki.broker.forward;

import io.grpc.MethodDescriptor;
import io.kontiki.internal.v1.ForwardAppendRequest;
import io.kontiki.internal.v1.ForwardAppendResponse;
import io.kontiki.internal.v1.ForwardFetchRequest;
import io.kontiki.internal.v1.ForwardFetchResponse;
import io.kontiki.internal.v1.ForwardServiceGrpc;
import io.kontiki.proto.PayloadMarshaller;
import io.kontiki.proto.WithPayload;

/** The calls of ForwardService that carry batches, with field 15 kept out of generated code. */
final class ForwardMethods {
  /** Largest message between brokers: a batch of the greatest size allowed, and its frame. */
  static final int MAX_MESSAGE_BYTES = 68 << 20;

  static final MethodDescriptor<WithPayload<ForwardAppendRequest>, ForwardAppendResponse> APPEND =
      ForwardServiceGrpc.getAppendMethod().toBuilder(
              new PayloadMarshaller<>(ForwardAppendRequest.getDefaultInstance(), MAX_MESSAGE_BYTES),
              ForwardServiceGrpc.getAppendMethod().getResponseMarshaller())
          .build();

  static final MethodDescriptor<ForwardFetchRequest, WithPayload<ForwardFetchResponse>> FETCH =
      ForwardServiceGrpc.getFetchMethod().toBuilder(
              ForwardServiceGrpc.getFetchMethod().getRequestMarshaller(),
              new PayloadMarshaller<>(ForwardFetchResponse.getDefaultInstance(), MAX_MESSAGE_BYTES))
          .build();

  private ForwardMethods() {}
}
