package io.kontiki.proto;

import io.grpc.MethodDescriptor;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.kontiki.raw.v1.AppendRequest;
import io.kontiki.raw.v1.AppendResponse;
import io.kontiki.raw.v1.FetchRequest;
import io.kontiki.raw.v1.FetchResponse;
import io.kontiki.raw.v1.InitProducerIdRequest;
import io.kontiki.raw.v1.InitProducerIdResponse;
import io.kontiki.raw.v1.PartitionServiceGrpc;

/**
 * The calls of {@code kontiki.raw.v1.PartitionService}, with batches kept out of generated code.
 */
public final class PayloadMethods {
  private PayloadMethods() {}

  /**
   * {@code Append}.
   *
   * @param maxBytes largest request to read; only the server reads requests
   */
  public static MethodDescriptor<WithPayload<AppendRequest>, AppendResponse> append(int maxBytes) {
    MethodDescriptor<AppendRequest, AppendResponse> generated =
        PartitionServiceGrpc.getAppendMethod();
    return generated.toBuilder(
            new PayloadMarshaller<>(AppendRequest.getDefaultInstance(), maxBytes),
            generated.getResponseMarshaller())
        .build();
  }

  /**
   * {@code Fetch}.
   *
   * @param maxBytes largest response to read; only the client reads responses
   */
  public static MethodDescriptor<FetchRequest, WithPayload<FetchResponse>> fetch(int maxBytes) {
    MethodDescriptor<FetchRequest, FetchResponse> generated = PartitionServiceGrpc.getFetchMethod();
    return generated.toBuilder(
            generated.getRequestMarshaller(),
            new PayloadMarshaller<>(FetchResponse.getDefaultInstance(), maxBytes))
        .build();
  }

  /**
   * The service as a server offers it; reflection shows it like the generated one.
   *
   * @param maxBytes largest request to read
   */
  public static ServerServiceDefinition partitionService(
      ServerCallHandler<InitProducerIdRequest, InitProducerIdResponse> initProducerId,
      ServerCallHandler<WithPayload<AppendRequest>, AppendResponse> append,
      ServerCallHandler<FetchRequest, WithPayload<FetchResponse>> fetch,
      int maxBytes) {
    MethodDescriptor<WithPayload<AppendRequest>, AppendResponse> appendMethod = append(maxBytes);
    MethodDescriptor<FetchRequest, WithPayload<FetchResponse>> fetchMethod = fetch(maxBytes);
    ServiceDescriptor descriptor =
        ServiceDescriptor.newBuilder(PartitionServiceGrpc.SERVICE_NAME)
            .setSchemaDescriptor(PartitionServiceGrpc.getServiceDescriptor().getSchemaDescriptor())
            .addMethod(PartitionServiceGrpc.getInitProducerIdMethod())
            .addMethod(appendMethod)
            .addMethod(fetchMethod)
            .build();
    return ServerServiceDefinition.builder(descriptor)
        .addMethod(PartitionServiceGrpc.getInitProducerIdMethod(), initProducerId)
        .addMethod(appendMethod, append)
        .addMethod(fetchMethod, fetch)
        .build();
  }
}
