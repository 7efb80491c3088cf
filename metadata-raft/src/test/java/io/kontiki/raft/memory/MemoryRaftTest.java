package io.kontiki.raft.memory;

import static io.kontiki.raft.RecordingMachine.command;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.raft.RecordingMachine;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemoryRaftTest {
  private static final Map<Integer, Endpoint> THREE =
      Map.of(1, new Endpoint("a", 1), 2, new Endpoint("b", 2), 3, new Endpoint("c", 3));

  private final List<String> faults = new ArrayList<>();
  private final MemoryRaft raft =
      new MemoryRaft("metadata", THREE, (what, cause) -> faults.add(what + ": " + cause));
  private final RecordingMachine[] machines = {
    new RecordingMachine(), new RecordingMachine(), new RecordingMachine(), new RecordingMachine()
  };

  private MemoryRaftGroup start(int id) {
    return raft.start(id, machines[id], Runnable::run);
  }

  private static List<Proposal> propose(MemoryRaftGroup group, String text, long term) {
    List<Proposal> answers = new ArrayList<>();
    group.propose(command(text), term, answers::add);
    return answers;
  }

  @Test
  void aMajorityElectsAndEveryNodeAppliesWhatTheLeaderTakes() {
    MemoryRaftGroup one = start(1);
    assertEquals(-1, one.status().leaderId());
    assertInstanceOf(Proposal.NotAppended.class, propose(one, "early", -1).get(0));
    MemoryRaftGroup two = start(2);
    assertEquals(1, raft.leaderId());
    assertEquals(List.of(new Proposal.Applied(2, 1)), propose(one, "x", 1));
    assertEquals(List.of(new Proposal.NotAppended(1, "leads term 1, not 7")), propose(one, "y", 7));
    assertEquals(List.of(new Proposal.NotAppended(1, "does not lead")), propose(two, "z", -1));
    start(3);
    for (int id = 1; id <= 3; id++) {
      assertEquals(List.of("x"), machines[id].commands(), "node " + id);
      assertEquals(2, machines[id].appliedIndex(), "node " + id);
    }
  }

  @Test
  void leadershipMovesAndTheNewLeaderHasAppliedEverythingBefore() {
    MemoryRaftGroup one = start(1);
    MemoryRaftGroup two = start(2);
    start(3);
    propose(one, "x", -1);
    raft.elect(2);
    assertEquals(List.of("leads 1 after 0", "stops 1", "follows 2"), machines[1].events());
    assertTrue(machines[2].events().contains("leads 2 after 1"));
    two.transferLeadership();
    assertEquals(3, raft.leaderId());
    two.transferLeadership();
    assertEquals(3, raft.leaderId(), "a follower has nothing to hand over");
  }

  @Test
  void aLeaderThatIsCutOffCanConfirmNothingAndItsProposalsEndUnknown() {
    MemoryRaftGroup one = start(1);
    start(2);
    MemoryRaftGroup three = start(3);
    List<Long> answers = new ArrayList<>();
    one.confirmLeadership(answers::add);
    three.confirmLeadership(answers::add);
    raft.isolate(1);
    one.confirmLeadership(answers::add);
    one.readIndex(answers::add);
    assertEquals(List.of(1L, -1L, -1L, -1L), answers);
    List<Proposal> lost = propose(one, "lost", -1);
    assertTrue(one.status().leading(), "it does not know better (rule M14)");
    assertTrue(lost.isEmpty());
    raft.elect(3);
    propose(three, "kept", -1);
    raft.heal(1);
    assertInstanceOf(Proposal.Unknown.class, lost.get(0));
    assertEquals(List.of("kept"), machines[1].commands());
    one.readIndex(answers::add);
    assertEquals(one.status().committedIndex(), answers.get(4));
  }

  @Test
  void withoutAMajorityProposalsWait() {
    MemoryRaftGroup one = start(1);
    MemoryRaftGroup two = start(2);
    two.close();
    List<Proposal> answers = propose(one, "x", -1);
    assertTrue(answers.isEmpty());
    machines[2] = new RecordingMachine();
    start(2);
    assertEquals(1, answers.size());
    assertEquals(List.of("x"), machines[2].commands());
  }

  @Test
  void aClosedLeaderIsReplacedAndComesBackWithASnapshot() {
    MemoryRaftGroup one = start(1);
    MemoryRaftGroup two = start(2);
    start(3);
    propose(one, "a", -1);
    one.close();
    assertEquals(2, raft.leaderId());
    propose(two, "b", -1);
    raft.compact(2);
    propose(two, "c", -1);
    machines[1] = new RecordingMachine();
    start(1);
    assertEquals(List.of("a", "b", "c"), machines[1].commands());
    assertEquals(1, machines[1].restored());
    assertInstanceOf(Proposal.NotAppended.class, propose(one, "late", -1).get(0));
  }

  @Test
  void aStateMachineThatThrowsStopsItsNode() {
    MemoryRaftGroup one = start(1);
    start(2);
    start(3);
    List<Proposal> answers = propose(one, "throw", -1);
    assertEquals(3, faults.size(), "every node applies the same entry (rule M11)");
    assertInstanceOf(Proposal.Unknown.class, answers.get(0));
    assertFalse(one.status().leading());
  }

  @Test
  void proposalsFromWithinCompletionsKeepTheirOrder() {
    MemoryRaftGroup one = raft.start(1, machines[1], Runnable::run);
    start(2);
    List<String> order = new ArrayList<>();
    one.propose(
        command("a"),
        -1,
        first -> {
          one.propose(command("b"), -1, second -> order.add("b"));
          order.add("a");
        });
    assertEquals(List.of("a", "b"), order);
    assertEquals(List.of("a", "b"), machines[2].commands());
  }
}
