package io.kontiki.broker.api;

import static io.kontiki.broker.api.RequestPath.error;
import static io.kontiki.broker.api.RequestPath.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.RaftStatus;
import io.kontiki.runtime.Completion;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a change of voters waits for; what is judged is VoterChangesTest's. */
class QuorumAdminTest {
  private final RequestPath path = new RequestPath(3);
  private final QuorumAdmin admin = new QuorumAdmin(path.metadata, this::shards);
  private int looks;
  private int leaderlessLooks;

  /** The one shard: as the metadata group, but without a leader for as many looks. */
  private void shards(long deadlineNanos, Completion<List<RaftStatus>> completion) {
    looks++;
    RaftStatus group = path.metadata.quorum();
    completion.complete(
        List.of(
            new RaftStatus(
                "groups-0",
                looks <= leaderlessLooks ? RaftGroup.NO_NODE : group.leaderId(),
                false,
                group.term(),
                group.committedIndex(),
                group.appliedIndex(),
                group.voters())));
  }

  private Result<List<Integer>> add(int node) {
    return path.call((call, done) -> admin.add(call, node, done));
  }

  private Result<List<Integer>> remove(int node) {
    return path.call((call, done) -> admin.remove(call, node, done));
  }

  @Test
  void aGroupThatElectsItsLeaderIsWaitedFor() {
    leaderlessLooks = 5;
    assertEquals(List.of(1, 2), ok(remove(3)));
    assertTrue(looks > leaderlessLooks, () -> looks + " looks");
    leaderlessLooks = looks + 5;
    assertEquals(List.of(1, 2, 3), ok(add(3)));
    assertTrue(looks > leaderlessLooks, () -> looks + " looks");
  }

  @Test
  void withoutALeaderNothingIsBegunAndTheAnswerSaysSoInTime() {
    leaderlessLooks = Integer.MAX_VALUE;
    long before = path.time.clock().nanoTime();
    ApiError refusal = error(remove(3));
    assertEquals(ErrorReason.QUORUM_UNAVAILABLE, refusal.reason());
    assertTrue(refusal.message().contains("'groups-0'"), refusal.message());
    assertTrue(path.time.clock().nanoTime() - before < 10_000_000_000L);
    assertEquals(Set.of(1, 2, 3), path.metadata.image().voters().keySet());
  }

  @Test
  void whatNoWaitingChangesIsRefusedAtOnce() {
    assertEquals(ErrorReason.VOTER_NOT_FOUND, error(remove(9)).reason());
    assertEquals(1, looks);
  }
}
