package io.kontiki.model;

import java.util.function.Function;

/** A value, or the reason why there is none. */
public sealed interface Result<T> {
  /** It worked. */
  record Ok<T>(T value) implements Result<T> {}

  /** It did not. */
  record Err<T>(ApiError error) implements Result<T> {}

  /** It worked. */
  static <T> Result<T> ok(T value) {
    return new Ok<>(value);
  }

  /** It did not. */
  static <T> Result<T> error(ApiError error) {
    return new Err<>(error);
  }

  /** The other value, or the same error. */
  default <R> Result<R> map(Function<? super T, ? extends R> change) {
    return fold(value -> ok(change.apply(value)), Result::error);
  }

  /** One of the two. */
  default <R> R fold(Function<? super T, R> ok, Function<ApiError, R> error) {
    if (this instanceof Ok<T> done) {
      return ok.apply(done.value());
    }
    return error.apply(((Err<T>) this).error());
  }
}
