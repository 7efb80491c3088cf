package io.kontiki.replication;

/** What a follower has to do after an answer. */
public sealed interface FollowerStep {
  /** Nothing. */
  record Nothing() implements FollowerStep {}

  /** Cut the log at an offset, make that durable, then subscribe anew (rules R28, D8). */
  record TruncateTo(long offset) implements FollowerStep {}

  /** Forget the log, begin again at an offset, make that durable, then subscribe (rule R32). */
  record RestartAt(long offset) implements FollowerStep {}

  /** Subscribe again after a pause, or when metadata say something new. */
  record SubscribeLater(SubscribeAnswer.Refusal refusal) implements FollowerStep {}
}
