package io.kontiki.broker.api;

import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Asks many for one answer each, a bounded number at a time. Lives on one loop.
 *
 * @param <T> an answer
 */
public final class Gather<T> {
  /** Questions under way at a time. */
  public static final int PARALLEL = 64;

  private final EventLoop loop;
  private final List<T> answers;
  private final Question<T> question;
  private final Completion<List<T>> completion;
  private int asked;
  private int answered;
  private boolean asking;

  /** Puts one question. */
  public interface Question<T> {
    /** May be answered on any loop, also at once. */
    void ask(int index, Completion<T> answer);
  }

  private Gather(
      EventLoop loop, List<T> answers, Question<T> question, Completion<List<T>> completion) {
    this.loop = loop;
    this.answers = answers;
    this.question = question;
    this.completion = completion;
  }

  /**
   * Asks {@code count} questions and hands over the answers in their order; on {@code loop}.
   *
   * @param placeholder stands for an answer until it is there; never handed over
   */
  public static <T> void all(
      EventLoop loop,
      int count,
      IntFunction<T> placeholder,
      Question<T> question,
      Completion<List<T>> completion) {
    List<T> answers = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      answers.add(placeholder.apply(i));
    }
    new Gather<>(loop, answers, question, completion).askMore();
  }

  private void askMore() {
    if (asking) {
      return; // an answer that came at once: the loop below goes on
    }
    asking = true;
    while (asked < answers.size() && asked - answered < PARALLEL) {
      int index = asked++;
      question.ask(index, answer -> CallContext.onLoop(loop, () -> onAnswer(index, answer)));
    }
    asking = false;
    if (answered == answers.size()) {
      completion.complete(Collections.unmodifiableList(answers));
    }
  }

  private void onAnswer(int index, T answer) {
    answers.set(index, answer);
    answered++;
    askMore();
  }
}
