package io.kontiki.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.runtime.RandomSource;
import io.kontiki.runtime.memory.SeededRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A leader that nobody lets hear of passing time while it is quiet misses nothing (rule R38). */
class QuietLeaderTest {
  private static final int RUNS = 400;
  private static final int STEPS = 300;

  private long skipped;
  private long decisions;

  @Test
  void leavingTicksOutWhileALeaderIsQuietChangesNoDecision() {
    for (long seed = 1; seed <= RUNS; seed++) {
      new Pair(seed).run();
    }
    assertTrue(skipped > 3_000, "only " + skipped + " ticks were left out");
    assertTrue(decisions > 1_000, "only " + decisions + " decisions");
  }

  /** Two leaders to whom the same happens; one of them sleeps while it is quiet. */
  private final class Pair {
    private final long seed;
    private final RandomSource random;
    private final LeaderContext always = new LeaderContext(List.of(1, 2, 3), 10, 10, 10);
    private final LeaderContext seldom = new LeaderContext(List.of(1, 2, 3), 10, 10, 10);
    private final List<Long> subscriptions = new ArrayList<>(List.of(-1L, -1L, -1L, -1L));
    private long looked = always.now;
    private boolean awake = true;
    private long end = 10;
    private long held = 10;
    private int partitionEpoch = 20;

    private Pair(long seed) {
      this.seed = seed;
      this.random = new SeededRandom(seed);
    }

    private void run() {
      for (int step = 0; step < STEPS; step++) {
        int events = random.nextInt(4) == 0 ? random.nextInt(6) : 0;
        for (int i = 0; i < events; i++) {
          event();
          compare(step);
        }
        pass(random.nextInt(50) == 0 ? 250 + random.nextInt(15_000) : 250);
        compare(step);
      }
    }

    private void pass(long ms) {
      always.now += ms * LeaderContext.MS;
      seldom.now = always.now;
      always.leader.tick(always.now);
      if (awake) {
        seldom.leader.tick(seldom.now);
        awake = !seldom.leader.isQuiet();
      } else {
        skipped++;
      }
      looked = always.now;
    }

    private void both(Consumer<LeaderContext> what) {
      if (!awake) {
        awake = true;
        seldom.leader.resume(looked);
      }
      what.accept(always);
      what.accept(seldom);
    }

    private void event() {
      int follower = 2 + random.nextInt(2);
      long subscription = subscriptions.get(follower);
      switch (random.nextInt(10)) {
        case 0, 1 -> {
          end += 1 + random.nextInt(5);
          both(each -> each.write(end));
        }
        case 2, 3 -> {
          held = end;
          both(each -> each.leader.onHeld(end, each.now));
        }
        case 4 -> {
          long from = random.nextInt(3) == 0 ? Math.max(10, end - 3) : end;
          both(each -> subscriptions.set(follower, each.follow(follower, from)));
        }
        case 5, 6, 7 -> both(each -> each.ack(follower, subscription, end));
        case 8 -> {
          int kind = random.nextInt(8);
          both(
              each -> {
                long epoch = each.epochOf(follower);
                if (kind == 0) {
                  each.leader.onLost(follower, epoch, subscription, each.now);
                } else if (kind == 1) {
                  each.leader.onFollowerFull(follower, epoch, subscription, each.now);
                } else if (kind < 5) {
                  each.leader.onSubscriptionEnded(follower, epoch, subscription);
                }
              });
        }
        default -> {
          boolean fenced = random.nextInt(2) == 0;
          both(
              each -> {
                each.fenced.put(follower, fenced);
                each.leader.onMetadata(each, List.of(1, 2, 3), 2, each.now);
              });
        }
      }
    }

    private void compare(int step) {
      String where = "seed " + seed + " step " + step;
      Optional<IsrProposal> proposal = always.leader.proposal();
      assertEquals(proposal, seldom.leader.proposal(), where);
      Optional<Resignation> resignation = always.leader.resignation();
      assertEquals(resignation, seldom.leader.resignation(), where);
      assertEquals(always.leader.isr(), seldom.leader.isr(), where);
      assertEquals(always.leader.highWatermark(), seldom.leader.highWatermark(), where);
      int answer = random.nextInt(6);
      proposal.ifPresent(
          asked -> {
            decisions++;
            IsrOutcome outcome =
                answer == 0
                    ? new IsrOutcome.Rejected(state(always.leader.isr()))
                    : new IsrOutcome.Applied(next(LeaderContext.members(asked)));
            both(each -> each.leader.onOutcome(asked, outcome, each.now));
          });
      resignation.ifPresent(
          asked -> {
            decisions++;
            IsrOutcome outcome = new IsrOutcome.Rejected(state(always.leader.isr()));
            both(each -> each.leader.onOutcome(asked, outcome, each.now));
          });
    }

    private IsrState state(List<Integer> isr) {
      return new IsrState(1, 7, partitionEpoch, isr);
    }

    private IsrState next(List<Integer> isr) {
      partitionEpoch++;
      return state(isr);
    }
  }
}
