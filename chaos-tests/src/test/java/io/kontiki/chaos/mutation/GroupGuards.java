package io.kontiki.chaos.mutation;

import static io.kontiki.chaos.mutation.SeedRun.CONSUME;
import static io.kontiki.chaos.mutation.SeedRun.GROUPS;
import static io.kontiki.chaos.mutation.SeedRun.GROUP_COMMANDS;

import java.util.List;

/** The guards of consumer groups (G1 to G12) and of the edge of Consume. */
final class GroupGuards {
  private static final String OFFSETS = "io.kontiki.group.OffsetCommands";
  private static final String MEMBERS = "io.kontiki.group.MemberCommands";
  private static final String CLASSIC = "io.kontiki.group.ClassicCommands";
  private static final String REBALANCE = "io.kontiki.group.Rebalance";
  private static final String TOPICS = "io.kontiki.group.TopicNews";
  private static final String DRAFT = "io.kontiki.group.GroupDraft";
  private static final String COORDINATOR = "io.kontiki.broker.coordinator.Coordinator";
  private static final String SESSIONS = "io.kontiki.broker.coordinator.MemberSessions";
  private static final String ASSIGNMENTS = "io.kontiki.broker.group.Assignments";
  private static final String DELIVERY = "io.kontiki.broker.group.Delivery";
  private static final String START = "io.kontiki.broker.group.StartRound";
  private static final String UNDER_WAY = "io.kontiki.broker.group.UnderWay";

  private static final String MACHINE_TEST = "io.kontiki.group.GroupMachineTest";
  private static final String CLASSIC_TEST = "io.kontiki.group.ClassicGroupsTest";
  private static final String COORDINATOR_TEST = COORDINATOR + "Test";
  private static final String REBALANCE_TEST = "io.kontiki.broker.group.ConsumeRebalanceTest";
  private static final String FLOW_TEST = "io.kontiki.broker.group.ConsumeFlowTest";
  private static final String POSITION_TEST = "io.kontiki.broker.group.ConsumePositionTest";

  private GroupGuards() {}

  static List<Guard> machine() {
    return List.of(
        Guard.of("released-before-given", "G2", "a partition goes to its target while it is owned")
            .edit(REBALANCE, "if (!owners.containsKey(partition)) {", "if (partition != null) {")
            .caughtBy(GROUPS, 20),
        Guard.of("commit-by-owner", "G4", "a member commits what it does not own")
            .edit(
                OFFSETS,
                "if (owned == null || owned.since() > epoch) {",
                "if (owned != null && owned.since() > epoch) {")
            .caughtBy(GROUP_COMMANDS, 20),
        Guard.of("commit-since", "G4", "who lost a partition and has it again commits for before")
            .edit(OFFSETS, "if (owned == null || owned.since() > epoch) {", "if (owned == null) {")
            .caughtBy(MACHINE_TEST, "whoLostAPartitionAndGotItBackDoesNotCommitForTheTimeBeforeG4"),
        Guard.of("late-release", "G2", "a late release hits a partition that came back")
            .edit(
                MEMBERS,
                "&& owned.revoking() && owned.since() <= command.memberEpoch()",
                "&& owned.revoking()")
            .caughtBy(MACHINE_TEST, "aLateReleaseDoesNotHitAPartitionThatCameBackMeanwhileG2"),
        Guard.of("checked-at-apply", "G1", "what the stream before sent counts for the next one")
            .edit(
                MEMBERS,
                "Rejected late = stale(group, member, command.memberEpoch());"
                    + " if (late != null) {",
                "Rejected late = stale(group, member, command.memberEpoch());"
                    + " if (command.memberEpoch() < 0) {")
            .caughtBy(
                MACHINE_TEST,
                "aMemberThatIsTakenUpKeepsItsPartitionsAndTheStreamBeforeCannotCommit"),
        Guard.of("one-kind", "G11", "a classic generation begins among members with streams")
            .edit(
                CLASSIC,
                "if (!group.members().isEmpty()) { return mismatch(",
                "if (group.generation() < 0) { return mismatch(")
            .caughtBy(CLASSIC_TEST, "aGroupIsOfOneKindWhileItHasMembersG11"),
        Guard.of("classic-generation", "G12", "a classic member commits in another generation")
            .edit(
                CLASSIC,
                "return generation == group.generation() && state.assigned() ? null",
                "return state.assigned() ? null")
            .caughtBy(CLASSIC_TEST, "aCommitCountsInItsGenerationAloneG12"),
        Guard.of("assigned-once", "G12", "a classic generation is assigned a second time")
            .edit(
                CLASSIC,
                "late != null || old.members().isEmpty() || old.assigned()",
                "late != null || old.members().isEmpty()")
            .caughtBy(
                CLASSIC_TEST,
                "aCompletedJoinBeginsAGenerationInWhichItsLeaderAssignsOnce"),
        Guard.of("judged-epoch", "G3", "an expiry ends who came back since it was judged")
            .edit(
                MEMBERS,
                "Rejected late = stale(group, member, epoch); if (late != null) {",
                "Rejected late = stale(group, member, epoch); if (epoch < 0) {")
            .caughtBy(MACHINE_TEST, "anExpiryHitsOnlyTheStreamThatWasJudgedG3"),
        Guard.of("never-lower", "G10", "a late commit sets an offset back")
            .edit(
                OFFSETS,
                "old.offset() > commit.offset() && !commit.back()",
                "old.offset() > commit.offset() && commit.offset() < 0")
            .caughtBy(
                MACHINE_TEST, "aLowerOffsetChangesNothingUnlessTheMemberWentBackOnPurposeG10"),
        Guard.of("older-image", "G7", "an older image of the topics counts")
            .edit(
                TOPICS,
                "if (seen.metadataIndex() < group.metadataIndex()) {",
                "if (seen.metadataIndex() < 0) {")
            .caughtBy(MACHINE_TEST, "anOlderImageIsIgnoredG7"),
        Guard.of("forgotten-topic", "G8", "an older image brings a deleted topic back")
            .edit(TOPICS, "if (!forgotten.contains(topic.id())) {", "if (topic != null) {")
            .caughtBy(MACHINE_TEST, "aDeletedTopicGoesFromMembersOffsetsAndEveryLateCommandG8"),
        Guard.of("appeared-later", "G9", "a partition added later begins where the client asked")
            .edit(
                DRAFT,
                "boolean appeared = partition.partition() >=",
                "boolean appeared = partition.partition() < 0 && partition.partition() >=")
            .caughtBy(GROUPS, 20)
            .caughtBy(MACHINE_TEST, "partitionsThatAppearLaterStartAtTheirBeginningG9"));
  }

  static List<Guard> coordinator() {
    return List.of(
        Guard.of("confirmed-read", "G5", "who led once answers what is committed")
            .edit(
                COORDINATOR,
                "boolean ok = term >= 0 && confirmed == term && ledTerm == term;",
                "boolean ok = term >= 0;")
            .caughtBy(COORDINATOR_TEST, "whoLedOnceDoesNotAnswerWhatIsCommitted"),
        Guard.of("coordinator-lease", "G6", "a coordinator without lease takes requests")
            .edit(
                COORDINATOR,
                "} else if (!leaseHeld.getAsBoolean()) { why",
                "} else if (id < 0) { why")
            .caughtBy(COORDINATOR_TEST, "withoutALeaseNobodyCoordinates"),
        Guard.of("full-session", "G3", "a new coordinator gives nobody time to be claimed")
            .edit(
                SESSIONS,
                "session.expiresAt = now + timing.silence() + session.sessionNanos();"
                    + " session.why = \"no broker",
                "session.expiresAt = now; session.why = \"no broker")
            .caughtBy(COORDINATOR_TEST, "aNewCoordinatorGivesEveryMemberAFullSession"),
        Guard.of("paused-coordinator", "G3", "who was paused judges before it has read")
            .edit(COORDINATOR, "if (gap > 4 * timing.tick()) {", "if (gap < 0) {")
            .caughtBy(COORDINATOR_TEST, "aCoordinatorThatWasPausedExpiresNobody"));
  }

  static List<Guard> edge() {
    return List.of(
        Guard.of("start-behind-commits", "G5", "a start is looked up beside a commit under way")
            .edit(UNDER_WAY, "return commits.containsKey(partition);", "return false;")
            .caughtBy(CONSUME, 200)
            .caughtBy(REBALANCE_TEST, "aPartitionComesAgainFromTheCommitsThatWereUnderWay"),
        Guard.of("start-committed", "G9", "delivery from the log's end begins uncommitted")
            .edit(
                START,
                "if (!(spec(missing.get(i)) instanceof StartSpec.Earliest)) {",
                "if (spec(missing.get(i)) == null) {")
            .caughtBy(POSITION_TEST, "aStartBehindTheLogStartIsCommittedBeforeAnythingIsDelivered"),
        Guard.of("lost-and-back", "P9", "the edge goes on with a partition that went meanwhile")
            .edit(
                ASSIGNMENTS,
                "if (owned != null && owned.since() <= delivery.since) {",
                "if (owned != null) {")
            .caughtBy(REBALANCE_TEST, "aPartitionThatWentAndCameBackUnseenIsShownToComeAgain"),
        Guard.of("window-after-seek", "-", "what a seek passed back over holds the window for ever")
            .edit(DELIVERY, "return uncommitted.cutAt(place.offset());", "return 0;")
            .caughtBy(FLOW_TEST, "aSeekBackMakesRoomForWhatComesAgain"));
  }
}
