package io.kontiki.broker.rpc;

import io.grpc.stub.StreamObserver;

/** Of a stream that has been answered already. */
final class IgnoringObserver<T> implements StreamObserver<T> {
  @Override
  public void onNext(T message) {}

  @Override
  public void onError(Throwable failure) {}

  @Override
  public void onCompleted() {}
}
