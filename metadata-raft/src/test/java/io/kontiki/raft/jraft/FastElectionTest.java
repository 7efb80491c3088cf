package io.kontiki.raft.jraft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When a voter stands once the leader's process is proved dead (rule M13). */
class FastElectionTest {
  private final RaftThreads threads = RaftThreads.start(2);
  private final RaftChannels channels =
      new RaftChannels(
          endpoint -> {
            throw new AssertionError("nobody is dialled");
          },
          1500,
          threads);
  private final List<Long> stoodIn = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() {
    threads.stop();
  }

  private FastElection election(int self) {
    return election(self, 1);
  }

  private FastElection election(int self, long stepMs) {
    return new FastElection(channels, "metadata", self, List.of(1, 2, 3), stepMs, stoodIn::add);
  }

  /** Lets everything that is scheduled run; nothing can be scheduled afterwards. */
  private void runAll() throws InterruptedException {
    threads.timer().shutdown();
    assertTrue(threads.timer().awaitTermination(5, TimeUnit.SECONDS));
    threads.background().shutdown();
    assertTrue(threads.background().awaitTermination(5, TimeUnit.SECONDS));
  }

  @Test
  void aFollowerStandsOnceInTheTermOfTheDeadLeader() throws InterruptedException {
    FastElection election = election(2);
    election.onFollowing(1, 7);
    election.onDead(3);
    election.onDead(1);
    election.onDead(1);
    runAll();
    assertEquals(List.of(7L), stoodIn);
  }

  @Test
  void aTermThatMovedDoesNotStopIt() throws InterruptedException {
    FastElection election = election(3);
    election.onFollowing(1, 7);
    election.onVote(8, false); // the first in turn lacks entries
    election.onDead(1);
    runAll();
    assertEquals(List.of(8L), stoodIn);
  }

  @Test
  void aVoteGivenInANewerTermStopsIt() throws InterruptedException {
    FastElection election = election(3);
    election.onFollowing(1, 7);
    election.onVote(8, true);
    election.onVote(8, false);
    election.onDead(1);
    runAll();
    assertEquals(List.of(), stoodIn);
  }

  @Test
  void aNewerLeaderStopsIt() throws InterruptedException {
    FastElection election = election(3, 300);
    election.onFollowing(1, 7);
    election.onDead(1);
    election.onFollowing(2, 8);
    runAll();
    assertEquals(List.of(), stoodIn);
  }

  @Test
  void aNodeThatIsBeingSentASnapshotDoesNotStand() throws InterruptedException {
    FastElection election = election(2);
    election.onFollowing(1, 7);
    election.onSnapshotBegin();
    election.onDead(1);
    runAll();
    assertEquals(List.of(), stoodIn);
  }

  @Test
  void aSnapshotThatHasArrivedIsNoObstacle() throws InterruptedException {
    FastElection election = election(2);
    election.onFollowing(1, 7);
    election.onSnapshotBegin();
    election.onSnapshotEnd();
    election.onDead(1);
    runAll();
    assertEquals(List.of(7L), stoodIn);
  }

  @Test
  void aNodeThatIsNoVoterNeverStands() throws InterruptedException {
    FastElection election = election(4);
    election.onFollowing(1, 7);
    election.onDead(1);
    runAll();
    assertEquals(List.of(), stoodIn);
  }
}
