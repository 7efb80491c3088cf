package io.kontiki.chaos.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Tier T1 (docs/correctness.md 3.10, 4.1). {@code -Dkontiki.model.runs=N} plays N seeds of each
 * mode with all rules on, and at most N for each rule that is off; {@code -Dkontiki.model.first}
 * says where to begin with all rules on.
 */
final class ModelTest {
  private static final long RUNS = Long.getLong("kontiki.model.runs", 6_000);
  private static final long FIRST = Long.getLong("kontiki.model.first", 0);
  private static final int TRACE_LINES = 60;

  @Test
  void withAllRulesOnNothingBreaksInThePageCache() {
    nothingBreaks(Rules.inPageCache());
  }

  @Test
  void withAllRulesOnNothingBreaksWithFsync() {
    nothingBreaks(Rules.withFsync());
  }

  private static void nothingBreaks(Rules rules) {
    int recovered = 0;
    for (long seed = FIRST; seed < FIRST + RUNS; seed++) {
      Model.Result result = Model.run(seed, rules);
      assertTrue(result.good(), tellerOf(seed, rules));
      recovered += result.recovered() ? 1 : 0;
    }
    assertTrue(
        rules.fsync() || recovered > 0, "no balanced recovery: the runs leave something out");
  }

  /** Negative control: more lossy stops than are promised to be survived. */
  @Test
  void moreLossyStopsThanPromisedLoseSomething() {
    assertFalse(Model.run(2797, new Rules(false, Rules.MIN_ISR, Set.of())).good());
  }

  /** The table of 3.10: the first seed that shows that the rule is needed. */
  @ParameterizedTest
  @CsvSource({
    "ACK_AT_HW, 0, false",
    "READ_AT_HW, 0, false",
    "FENCED_NOT_IN_ISR, 6, false",
    "HW_NEEDS_MINISR, 6, false",
    "LESO, 11, false",
    "ELR_CLEAR, 18, false",
    "MAXIMAL_ISR, 78, false",
    "JOIN_AT_HW, 125, false",
    "UNCLEAN_LEAVES_ELR, 239, false",
    "TRUNCATE_BY_EPOCH, 342, false",
    "EMPTY_EPOCH_IN_FETCH, 542, false",
    "PARTITION_EPOCH_CAS, 574, false",
    "CATCHUP_OWN_REG, 652, false",
    "FSYNC_BEFORE_ACK, 239, true",
    "NO_ROLLBACK_ON_TIMEOUT, 1741, false",
    "META_STRICTLY_NEWER, 1807, false",
    "RECOVER_ALL_LASTKNOWN, 2797, false",
    "META_EPOCH_MONOTONE, 4897, false",
    "JOINER_BROKER_EPOCH, 15735, false",
    "TRUNC_DURABLE, 18469, true",
    "CLEAN_MARKER_EPOCH, 24146, false",
    "RESP_CORRELATION, 32451, false",
    "REJECT_BURNS_EPOCH, 91314, false",
    "EPOCH_IN_FETCH, 99403, false",
  })
  void eachRuleThatIsOffIsFound(Rule rule, long firstSeed, boolean fsync) {
    Rules off = fsync ? Rules.withFsync(rule) : Rules.inPageCache(rule);
    // what takes longer than this run may is begun where it is known to be
    long seed = firstSeed < RUNS ? 0 : firstSeed;
    while (!isFound(rule, Model.run(seed, off))) {
      seed++;
      assertTrue(seed <= firstSeed, rule + " is not found up to seed " + firstSeed);
    }
    assertEquals(firstSeed, seed, "the table of 3.10 has another number");
    assertTrue(
        Model.run(seed, fsync ? Rules.withFsync() : Rules.inPageCache()).good(),
        "what is found is not of this rule");
  }

  /** One of them is not needed for any promise, but for an end of it. */
  private static boolean isFound(Rule rule, Model.Result result) {
    return rule == Rule.EMPTY_EPOCH_IN_FETCH ? result.stuck() != null : result.broken() != null;
  }

  /** "Not found" in the table: another rule covers it, or it needs what the model lacks. */
  @ParameterizedTest
  @EnumSource(
      names = {
        "RESP_FENCE",
        "ASSIGN_EPOCH_START",
        "LEADER_EPOCH_CHECK",
        "LEADER_BROKER_EPOCH",
        "FENCE_ON_REGISTER",
        "FETCH_BROKER_EPOCH",
        "FETCHED_IN_EPOCH",
        "RETRY_SAME_EPOCHS",
        "OLD_INCARNATION_FETCH",
        "CACHE_MONOTONE"
      })
  void theOthersAreStillNotFound(Rule rule) {
    long runs = RUNS / 20;
    assumeTrue(runs > 0);
    for (long seed = 0; seed < runs; seed++) {
      assertTrue(Model.run(seed, Rules.inPageCache(rule)).good(), rule + " is found, seed " + seed);
    }
  }

  @Test
  void aSeedIsTheSameRunEveryTime() {
    for (long seed = 0; seed < 50; seed++) {
      Rules rules = seed % 2 == 0 ? Rules.inPageCache() : Rules.withFsync(Rule.TRUNC_DURABLE);
      Model.Result once = Model.traced(seed, rules);
      assertEquals(once, Model.traced(seed, rules));
      assertFalse(once.trace().isEmpty());
    }
  }

  private static Supplier<String> tellerOf(long seed, Rules rules) {
    return () -> {
      Model.Result result = Model.traced(seed, rules);
      int from = Math.max(0, result.trace().size() - TRACE_LINES);
      return "seed "
          + seed
          + " "
          + rules
          + ": "
          + result.broken()
          + result.stuck()
          + "\n"
          + String.join("\n", result.trace().subList(from, result.trace().size()));
    };
  }
}
