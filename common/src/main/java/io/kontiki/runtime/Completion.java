package io.kontiki.runtime;

/**
 * Where the answer of an asynchronous call goes: called exactly once, unless the call says
 * otherwise; on the loop that the call names. Never throws.
 */
@FunctionalInterface
public interface Completion<T> {
  /** Hands over the answer. */
  void complete(T answer);
}
