package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.kontiki.model.ApiError;
import io.kontiki.model.Result;
import io.kontiki.proto.Statuses;
import java.util.function.Function;

/** Answers of unary calls. */
final class Unary {
  private Unary() {}

  /** The observer of a call that may be cancelled at any time without an exception. */
  static <T> ServerCallStreamObserver<T> calm(StreamObserver<T> observer) {
    ServerCallStreamObserver<T> call = (ServerCallStreamObserver<T>) observer;
    call.setOnCancelHandler(() -> {});
    return call;
  }

  static <T, M> void answer(
      ServerCallStreamObserver<M> call, Result<T> result, Function<T, M> message) {
    if (result instanceof Result.Ok<T> ok) {
      call.onNext(message.apply(ok.value()));
      call.onCompleted();
    } else {
      fail(call, ((Result.Err<T>) result).error());
    }
  }

  static void fail(ServerCallStreamObserver<?> call, ApiError error) {
    call.onError(Statuses.toException(error));
  }
}
