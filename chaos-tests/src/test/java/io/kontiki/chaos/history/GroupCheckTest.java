package io.kontiki.chaos.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kontiki.chaos.history.Anomaly.Kind;
import io.kontiki.chaos.history.Event.Assigned;
import io.kontiki.chaos.history.Event.CommitAsked;
import io.kontiki.chaos.history.Event.CommitStored;
import io.kontiki.chaos.history.Event.Delivered;
import io.kontiki.chaos.history.Event.GivenUp;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each anomaly of groups has a history made by hand, beside what looks like it and is none. */
final class GroupCheckTest {
  private static final Log T = new Log("t", 0);

  @Test
  void anOwnerThatDiedLeavesDuplicatesBehindItsLastCommit() {
    fine(
        assigned("a", 1, 0),
        delivered("a", 0, 10),
        new CommitAsked("g", "a", T, 4),
        new CommitStored("g", "a", T, 4),
        new CommitAsked("g", "a", T, 8), // not answered: stored, or not
        assigned("b", 2, 4),
        delivered("b", 4, 20));
    fine(
        assigned("a", 1, 0),
        delivered("a", 0, 10),
        new CommitAsked("g", "a", T, 8),
        assigned("b", 2, 8));
  }

  @Test
  void theGenerationSaysWhoWasFirstNotTheOrderOfTheHistory() {
    fine(
        assigned("b", 2, 8),
        assigned("a", 1, 0),
        new CommitAsked("g", "a", T, 8),
        new CommitStored("g", "a", T, 8));
  }

  @Test
  void otherGroupsAndOtherGenerationsOfOneMemberAreNoOwnersBesides() {
    fine(
        assigned("a", 1, 0),
        new Assigned("h", "b", T, 1, 0),
        assigned("a", 1, 0),
        new Assigned("g", "b", new Log("t", 1), 1, 0));
  }

  @Test
  void twoMembersInOneGenerationAreTwoOwners() {
    shows(Kind.TWO_OWNERS, assigned("a", 3, 0), assigned("b", 3, 0));
  }

  @Test
  void anOwnerThatBeginsBeforeWhatWasStoredShowsACommitThatWentBack() {
    shows(
        Kind.COMMIT_WENT_BACK,
        assigned("a", 1, 0),
        delivered("a", 0, 8),
        new CommitAsked("g", "a", T, 8),
        new CommitStored("g", "a", T, 8),
        assigned("b", 2, 7));
  }

  @Test
  void whatNobodyCommittedIsSkipped() {
    shows(Kind.SKIPPED, assigned("a", 1, 3));
    shows(
        Kind.SKIPPED,
        assigned("a", 1, 0),
        delivered("a", 0, 8),
        new CommitAsked("g", "a", T, 5),
        assigned("b", 2, 6));
    shows(Kind.SKIPPED, assigned("a", 1, 0), delivered("a", 0, 3), delivered("a", 4, 5));
  }

  @Test
  void whatAnOwnerGetsTwiceWentBack() {
    shows(Kind.WENT_BACK, assigned("a", 1, 0), delivered("a", 0, 3), delivered("a", 2, 5));
  }

  @Test
  void whatWasGivenUpInOrderIsNotDeliveredAgain() {
    shows(
        Kind.REDELIVERED,
        assigned("a", 1, 0),
        delivered("a", 0, 8),
        new CommitAsked("g", "a", T, 8),
        new GivenUp("g", "a", T),
        assigned("b", 2, 5));
  }

  @Test
  void somethingWithoutAnAssignmentIsNoHistory() {
    assertThrows(
        IllegalArgumentException.class,
        () -> HistoryChecker.check(List.of(delivered("a", 0, 1)), false));
  }

  private static Event assigned(String member, int generation, long offset) {
    return new Assigned("g", member, T, generation, offset);
  }

  private static Event delivered(String member, long from, long to) {
    return new Delivered("g", member, T, from, to);
  }

  private static void fine(Event... events) {
    assertEquals(List.of(), HistoryChecker.check(List.of(events), false));
  }

  private static void shows(Kind kind, Event... events) {
    List<Anomaly> found = HistoryChecker.check(List.of(events), false);
    assertEquals(List.of(kind), found.stream().map(Anomaly::kind).toList(), found::toString);
  }
}
