package io.kontiki.cli.stream;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.kontiki.cli.admin.AdminClient;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.Json;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.Deadline;
import io.kontiki.model.Endpoint;
import io.kontiki.v1.AdminServiceGrpc;
import java.net.ConnectException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The admin service over gRPC, for brokers whose HTTP port is not to be reached; in JSON too. */
public final class GrpcAdmin implements AdminClient.Fallback {
  private final List<Endpoint> hosts;

  public GrpcAdmin(List<Endpoint> hosts) {
    this.hosts = List.copyOf(hosts);
  }

  @Override
  public @Nullable JsonObject call(String method, JsonObject request, Deadline deadline) {
    MethodDescriptor<Message, Message> descriptor = descriptor(method);
    Message message = parse(descriptor, request);
    try (BrokerChannels brokers = new BrokerChannels(hosts, 0)) {
      for (int tries = 0; tries < hosts.size() && !deadline.hasPassed(); tries++) {
        BrokerChannels.Connection connection = brokers.connection(0);
        try {
          CallOptions options =
              CallOptions.DEFAULT.withDeadlineAfter(deadline.remainingMs(), TimeUnit.MILLISECONDS);
          return print(
              ClientCalls.blockingUnaryCall(connection.channel(), descriptor, options, message));
        } catch (StatusRuntimeException e) {
          if (!(e.getStatus().getCause() instanceof ConnectException)) {
            throw adminError(CallError.of(e));
          }
          // Nobody there, so nothing has happened: the next one may do it.
          brokers.giveUp(connection.host());
        }
      }
    }
    return null;
  }

  /** The generated descriptor; every method of the service takes and returns messages. */
  @SuppressWarnings("unchecked")
  private static MethodDescriptor<Message, Message> descriptor(String method) {
    for (MethodDescriptor<?, ?> one : AdminServiceGrpc.getServiceDescriptor().getMethods()) {
      if (method.equals(one.getBareMethodName())) {
        return (MethodDescriptor<Message, Message>) one;
      }
    }
    throw new IllegalArgumentException("the admin service has no method " + method);
  }

  private static Message parse(MethodDescriptor<Message, Message> descriptor, JsonObject request) {
    PrototypeMarshaller<Message> marshaller =
        (PrototypeMarshaller<Message>) descriptor.getRequestMarshaller();
    Message prototype = marshaller.getMessagePrototype();
    if (prototype == null) {
      throw new IllegalStateException(descriptor.getFullMethodName() + " has no prototype");
    }
    Message.Builder builder = prototype.newBuilderForType();
    try {
      JsonFormat.parser().merge(request.toString(), builder);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("no " + prototype.getDescriptorForType().getName(), e);
    }
    return builder.build();
  }

  /** As a broker answers on HTTP. */
  private static JsonObject print(Message answer) {
    try {
      String json =
          JsonFormat.printer()
              .alwaysPrintFieldsWithNoPresence()
              .omittingInsignificantWhitespace()
              .print(answer);
      return Json.parse(json) instanceof JsonObject object ? object : new JsonObject();
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("an answer cannot be printed", e);
    }
  }

  private static AdminError adminError(CallError error) {
    return new AdminError(
        error.code().name().toLowerCase(Locale.ROOT),
        error.reason(),
        error.message(),
        error.definite(),
        0);
  }
}
