package io.kontiki.broker.rpc;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import io.kontiki.broker.api.CallContext;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;

/**
 * One unary call of AdminService, for every door: gRPC and JSON differ only in how they carry the
 * two messages.
 *
 * @param descriptor of the gRPC call
 * @param emptyRequest the request's default instance
 */
public record AdminMethod<Q extends Message, A extends Message>(
    MethodDescriptor<Q, A> descriptor, Q emptyRequest, Handler<Q, A> handler) {
  /** What the call does. */
  public interface Handler<Q, A> {
    /** Called on the call's loop; the completion runs there. */
    void handle(CallContext call, Q request, Completion<Result<A>> completion);
  }

  /** As in the contract: {@code CreateTopic}. */
  public String name() {
    String name = descriptor.getBareMethodName();
    if (name == null) {
      throw new IllegalStateException("no method name in " + descriptor.getFullMethodName());
    }
    return name;
  }
}
