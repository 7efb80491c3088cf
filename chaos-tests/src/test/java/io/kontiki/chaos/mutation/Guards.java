package io.kontiki.chaos.mutation;

import static io.kontiki.chaos.mutation.SeedRun.COMMANDS;
import static io.kontiki.chaos.mutation.SeedRun.CONSUME;
import static io.kontiki.chaos.mutation.SeedRun.CRASHES;
import static io.kontiki.chaos.mutation.SeedRun.GROUPS;
import static io.kontiki.chaos.mutation.SeedRun.GROUP_COMMANDS;
import static io.kontiki.chaos.mutation.SeedRun.REPLICATION_ENGINE;
import static io.kontiki.chaos.mutation.SeedRun.REPLICATION_FSYNC;
import static io.kontiki.chaos.mutation.SeedRun.REPLICATION_REPLICATED;
import static io.kontiki.chaos.mutation.SeedRun.SCENARIOS;
import static io.kontiki.chaos.mutation.SeedRun.SESSIONS;
import static io.kontiki.chaos.mutation.SeedRun.SIMULATION;
import static io.kontiki.chaos.mutation.SeedRun.VOTERS;

import java.util.List;
import java.util.stream.Stream;

/**
 * The guards, where they are, and who notices that one is gone. Bounds are generous: several times
 * the number of seeds that it took.
 */
final class Guards {
  private static final String LEADER = "io.kontiki.replication.LeaderReplica";
  private static final String FOLLOWER = "io.kontiki.replication.FollowerReplica";
  private static final String CURSOR = "io.kontiki.replication.FollowerCursor";
  private static final String IN_SYNC = "io.kontiki.replication.InSyncSet";
  private static final String PARTITION = "io.kontiki.broker.partition.Partition";
  private static final String LEADER_ROLE = "io.kontiki.broker.partition.LeaderRole";
  private static final String LEADER_READS = "io.kontiki.broker.partition.LeaderReads";
  private static final String FOLLOWER_ROLE = "io.kontiki.broker.partition.FollowerRole";
  private static final String ROUTER = "io.kontiki.broker.api.PartitionRouter";
  private static final String CONTROLLER = "io.kontiki.broker.session.ControllerSessions";
  private static final String SESSION = "io.kontiki.broker.session.BrokerSession";
  private static final String LEASE = "io.kontiki.broker.session.Lease";
  private static final String FORMING = "io.kontiki.broker.session.Forming";
  private static final String ADMISSION = "io.kontiki.broker.session.Admission";
  private static final String VOTER_COMMANDS = "io.kontiki.metadata.VoterCommands";
  private static final String ISR_COMMANDS = "io.kontiki.metadata.IsrCommands";
  private static final String BROKER_COMMANDS = "io.kontiki.metadata.BrokerCommands";
  private static final String CHANGE = "io.kontiki.metadata.PartitionChange";
  private static final String LOG = "io.kontiki.log.SegmentedLog";
  private static final String PLANNER = "io.kontiki.log.CleaningPlanner";
  private static final String APPENDS = "io.kontiki.log.LogAppends";
  private static final String RECOVERY = "io.kontiki.log.LogRecovery";
  private static final String DIRECTORY = "io.kontiki.log.DirectoryRecovery";
  private static final String PRODUCERS = "io.kontiki.log.producer.ProducerState";
  private static final String HOST = "io.kontiki.broker.ReplicaHost";
  private static final String ASSIGNMENTS = "io.kontiki.broker.replicas.ReplicaAssignments";

  private static final String LEADER_TEST = LEADER + "Test";
  private static final String FOLLOWER_TEST = FOLLOWER + "Test";
  private static final String ROUTER_TEST = ROUTER + "Test";
  private static final String CONTROLLER_TEST = CONTROLLER + "Test";
  private static final String SESSION_TEST = SESSION + "Test";
  private static final String FORMING_TEST = FORMING + "Test";
  private static final String ADMISSION_TEST = ADMISSION + "Test";
  private static final String VOTER_COMMANDS_TEST = VOTER_COMMANDS + "Test";
  private static final String DAMAGED_TEST = "io.kontiki.broker.partition.DamagedAndDeletedTest";
  private static final String PARTITION_TEST = PARTITION + "Test";
  private static final String DAMAGE_TEST = "io.kontiki.log.DamageTest";
  private static final String LOG_TEST = "io.kontiki.log.PartitionLogTest";
  private static final String COMMANDS_TEST = "io.kontiki.metadata.IsrAndTopicCommandsTest";

  private Guards() {}

  /** Nothing is switched off: nothing may be noticed. */
  static final Guard NONE =
      Guard.of("none", "-", "nothing is switched off")
          .caughtBy(SIMULATION, 5)
          .caughtBy(REPLICATION_FSYNC, 10)
          .caughtBy(REPLICATION_REPLICATED, 10)
          .caughtBy(REPLICATION_ENGINE, 3)
          .caughtBy(SESSIONS, 10)
          .caughtBy(VOTERS, 10)
          .caughtBy(CRASHES, 20)
          .caughtBy(SCENARIOS, 11)
          .caughtBy(COMMANDS, 5)
          .caughtBy(GROUPS, 3)
          .caughtBy(CONSUME, 10)
          .caughtBy(GROUP_COMMANDS, 10);

  /** All. */
  static List<Guard> all() {
    return Stream.of(
            highWatermark(),
            inSyncSet(),
            uncleanElections(),
            compaction(),
            streams(),
            storage(),
            producers(),
            metadata(),
            topics(),
            sessions(),
            GroupGuards.machine(),
            GroupGuards.coordinator(),
            GroupGuards.edge())
        .flatMap(List::stream)
        .toList();
  }

  private static List<Guard> highWatermark() {
    return List.of(
        Guard.of("maximal-isr", "R9", "a member in flight does not hold the high watermark back")
            .edit(
                LEADER,
                "long end = heldEnd; for (int member : inSync.maximal()) {",
                "long end = heldEnd; for (int member : inSync.committed()) {")
            .caughtBy(REPLICATION_REPLICATED, 10),
        Guard.of("strict-min-isr", "R10", "the high watermark moves below min ISR")
            .edit(
                LEADER,
                "return inSync.committed().size() >= minIsr;",
                "return !inSync.committed().isEmpty();")
            .caughtBy(SIMULATION, 10),
        Guard.of("ack-at-high-watermark", "R21", "acks=all waits for the leader alone (N2)")
            .edit(
                LEADER_ROLE,
                "case ALL -> producers.awaitCommit(",
                "case ALL -> producers.awaitHold(")
            .caughtBy(SIMULATION, 10),
        Guard.of("read-at-high-watermark", "R22", "readers see what is not committed")
            .edit(
                LEADER_READS,
                "Read request = waiter.request(); long limit = replica.highWatermark();",
                "Read request = waiter.request(); long limit = partition.log().logEndOffset();")
            .caughtBy(SIMULATION, 10),
        Guard.of("held-is-synced", "R36", "fsync replicas acknowledge their page cache")
            .edit(
                LOG,
                "return state.isFsync() || state.unrecorded ? state.held : state.logEnd;",
                "return state.unrecorded ? state.held : state.logEnd;")
            .caughtBy(SIMULATION, 50));
  }

  private static List<Guard> inSyncSet() {
    return List.of(
        Guard.of("join-at-high-watermark", "R12", "a replica joins below the high watermark")
            .edit(LEADER, "&& end >= highWatermark && end >=", "&& end >=")
            .caughtBy(SIMULATION, 10),
        Guard.of("join-at-epoch-start", "R12", "a replica joins below the epoch's start")
            .edit(
                LEADER,
                "&& end >= highWatermark && end >= epochStartOffset",
                "&& end >= highWatermark")
            .caughtBy(SIMULATION, 50),
        Guard.of("no-rollback", "R14", "a proposal of unknown outcome is taken for refused")
            .edit(
                IN_SYNC,
                "retryAt = nowNanos + times.retry();",
                "if (outcome instanceof IsrOutcome.Unknown) { inFlight = null; maximal = committed;"
                    + " return; } retryAt = nowNanos + times.retry();")
            .caughtBy(REPLICATION_REPLICATED, 500),
        Guard.of("strictly-newer", "R16", "a state that is known already is taken again")
            .edit(
                IN_SYNC,
                "if (state.partitionEpoch() <= partitionEpoch) {",
                "if (state.partitionEpoch() < partitionEpoch) {")
            .edit(
                PARTITION,
                "if (state.partitionEpoch() <= known) {",
                "if (state.partitionEpoch() < known) {")
            .caughtBy(REPLICATION_REPLICATED, 1_000));
  }

  private static List<Guard> streams() {
    return List.of(
        Guard.of("same-leader-epoch", "R25", "a follower of another epoch is counted")
            .edit(LEADER, "if (request.leaderEpoch() != leaderEpoch) {", "if (leaderEpoch < 0) {")
            .caughtBy(REPLICATION_REPLICATED, 2_000),
        Guard.of("validated-position", "R26", "positions count from the old subscription on")
            .edit(CURSOR, "live = false; heldEnd = UNKNOWN;", "live = false;")
            .caughtBy(SIMULATION, 10),
        Guard.of("subscription-of-acks", "R27", "acknowledgements of an older stream count")
            .edit(
                CURSOR,
                "return live && epoch == brokerEpoch && id == subscription;",
                "return live;")
            .caughtBy(LEADER_TEST, "acknowledgementsOfAnOlderSubscriptionAreDroppedR27"),
        Guard.of("subscription-of-data", "R27", "answers and data of an older stream count")
            .edit(FOLLOWER, "if (answer.subscription() != subscription || phase", "if (phase")
            .edit(
                FOLLOWER,
                "return phase == Phase.LIVE && id == subscription;",
                "return phase == Phase.LIVE;")
            .caughtBy(FOLLOWER_TEST, "aRepeatedDivergingAnswerIsIgnoredR27"),
        Guard.of("truncation-by-epoch", "R28", "an end within the leader's log is no divergence")
            .edit(
                LEADER,
                "end.epoch() < request.lastEpoch() || end.endOffset() < request.fetchOffset();",
                "logEnd < request.fetchOffset();")
            .caughtBy(SIMULATION, 20),
        Guard.of(
                "truncation-to-high-watermark", "R28", "a follower cuts at its high watermark (N5)")
            .edit(
                FOLLOWER,
                "long cut = Math.min(own.endOffset(), point.endOffset());",
                "long cut = Math.min(highWatermark, point.endOffset());")
            .caughtBy(SIMULATION, 50),
        Guard.of("epoch-start", "R29", "a leader serves before its epoch is in its history")
            .edit(PARTITION, "log.beginEpoch(state.leaderEpoch());", "")
            .caughtBy(REPLICATION_REPLICATED, 10),
        Guard.of("behind-the-start", "R32", "a follower asks for ever for what is deleted")
            .edit(
                LEADER,
                "if (request.fetchOffset() < logStart) {",
                "if (request.fetchOffset() < 0) {")
            .caughtBy(SIMULATION, 50),
        Guard.of("start-within-batch", "R32", "an empty log takes no batch that begins before it")
            .edit(APPENDS, "if (base < start && start <", "if (base < 0 && start <")
            .caughtBy(SIMULATION, 50),
        Guard.of("damage-below-start", "R32, D9", "who cannot read what is deleted asks for it")
            .edit(
                FOLLOWER_ROLE,
                "if (before != FollowerReplica.NOTHING && before < partition.log().logStartOffset()) {",
                "if (before == Long.MAX_VALUE) {")
            .caughtBy(DAMAGED_TEST, "whoCannotReadThroughWhatIsDeletedBeginsAnewR32"),
        Guard.of("offset-continuity", "R30", "a follower appends what does not fit its end")
            .edit(APPENDS, "if (batch.baseOffset() != expected) {", "if (batch.baseOffset() < 0) {")
            .caughtBy(SIMULATION, 50));
  }

  private static List<Guard> storage() {
    return List.of(
        Guard.of("epoch-start-sync", "R29, L9", "the beginning of an epoch is not in the journal")
            .edit(
                LOG,
                "home.journal(this, JournalEntry.of(id(), Kind.EPOCH, state.logEnd, leaderEpoch));",
                "")
            .caughtBy(LOG_TEST, "anEmptyLogRemembersItsEpochAfterACrash"),
        Guard.of("late-sync-completion", "R41", "a sync counts for what was appended after a cut")
            .edit(LOG, "|| truncationsThen != state.truncations) {", ") {")
            .caughtBy(CRASHES, 200),
        Guard.of("durable-truncation", "D8", "a follower subscribes before its cut is durable")
            .edit(FOLLOWER_ROLE, "gaveUp || partition.cutting() ||", "gaveUp ||")
            .edit(
                FOLLOWER_ROLE,
                "partition.whenCutDurable( () -> { replica.onCutDurable(); partition.askAgain(); });",
                "replica.onCutDurable(); partition.askAgain();")
            .caughtBy(SCENARIOS, 11),
        Guard.of("cut-before-append", "D8, L9", "appends go on while a cut is under way")
            .edit(
                APPENDS,
                "if (cut.isPending()) { return Optional",
                "if (state.gone) { return Optional")
            .caughtBy(CRASHES, 20),
        Guard.of("recovery-sync", "D10", "what recovery read counts as held unsynced")
            .edit(DIRECTORY, "logs.forEach(this::markUnsynced);", "")
            .edit(RECOVERY, "shared.files.markDirty(segment.path());", "")
            .caughtBy(CRASHES, 20),
        Guard.of("rotten-epoch", "L2", "a start learns leader epochs that no checksum covers")
            .edit(RECOVERY, "epochsFrom = Math.max(epochsFrom, log.recoveryPoint());", "")
            .caughtBy(DAMAGE_TEST, "aLeaderEpochOfALeaderThatRottedIsNotLearntByTheNextStartL2"),
        Guard.of(
                "epoch-on-record", "L2", "a follower does not record the epochs that it takes over")
            .edit(
                APPENDS,
                "home.journal(log, JournalEntry.of(log.id(), Kind.EPOCH, from, batch.leaderEpoch()));",
                "")
            .caughtBy(DAMAGE_TEST, "aLeaderEpochOfAFollowerThatRottedIsNotLearntByTheNextStartL2"),
        Guard.of("bypass-mark", "L9", "the replay puts bytes back behind a bypass mark")
            .edit(
                DIRECTORY,
                "replay.apply(record, record.sequence() > mark);",
                "replay.apply(record, true);")
            .caughtBy(CRASHES, 20),
        Guard.of("cleared-log", "L9", "the replay believes records of a log that is gone")
            .edit(
                DIRECTORY, "from = Math.max(from, record.sequence());", "from = Math.max(from, 0);")
            .caughtBy(CRASHES, 300));
  }

  private static List<Guard> producers() {
    return List.of(
        Guard.of("duplicates", "I2", "a repeated batch is appended again")
            .edit(
                PRODUCERS,
                "&& (requests || info.lastSequence == batch.lastSequence())) {",
                "&& info.baseOffset < 0) {")
            .caughtBy(SIMULATION, 50),
        Guard.of("producers-after-truncation", "I1", "what was cut is still known of producers")
            .edit(LOG, "state.producers = found.producers();", "")
            .caughtBy(SIMULATION, 50),
        Guard.of("producers-after-recovery", "I1", "a snapshot beyond what may be trusted counts")
            .edit(
                RECOVERY,
                "LogWalk.Found found = walk(snapshots, log.trust());",
                "LogWalk.Found found = walk(snapshots, Long.MAX_VALUE);")
            .caughtBy(SIMULATION, 20));
  }

  private static List<Guard> metadata() {
    return List.of(
        Guard.of("fenced-not-in-isr", "R13", "a fenced broker may join the in-sync set")
            .edit(ISR_COMMANDS, "|| state == State.FENCED ||", "||")
            .caughtBy(SIMULATION, 50),
        Guard.of("partition-epoch", "R13", "a change that was decided on an older state is applied")
            .edit(
                ISR_COMMANDS,
                "if (now.partitionEpoch() != change.partitionEpoch()) {"
                    + " return new IsrOutcome(change.partition(), Kind.STALE, now); } TopicImage",
                "TopicImage")
            .caughtBy(COMMANDS_TEST, "aCopyOfAnAppliedChangeIsStaleR17"),
        Guard.of("joiner-incarnation", "R13", "an older incarnation joins the in-sync set")
            .edit(
                ISR_COMMANDS,
                "|| BrokerCommands.stale(draft, id, member.brokerEpoch()) != null",
                "")
            .caughtBy(COMMANDS_TEST, "anotherIncarnationOfAMemberIsRefusedR13"),
        Guard.of("rejection-burns-epoch", "R17", "another copy of a refused change can be applied")
            .edit(ISR_COMMANDS, "next.burnEpoch(); PartitionImage after", "PartitionImage after")
            .caughtBy(SIMULATION, 10),
        Guard.of("registration-leaves-isr", "R2", "a new incarnation inherits an in-sync place")
            .edit(BROKER_COMMANDS, "change.leaveIsr(old.id());", "")
            .caughtBy(SIMULATION, 10),
        Guard.of("unclean-leaves-elr", "R3", "who may have lost bytes stays eligible")
            .edit(
                BROKER_COMMANDS,
                "if (!clean && topic.durability() != Durability.FSYNC) {",
                "if (!clean && topic.durability() == null) {")
            .caughtBy(SCENARIOS, 11),
        Guard.of("recovery-waits-for-all", "R19", "balanced recovery takes who has reported")
            .edit(
                CHANGE,
                "if (report == null || !states.apply(replica).inService()) { return; }",
                "if (report == null || !states.apply(replica).inService()) { continue; }")
            .caughtBy(SCENARIOS, 11),
        Guard.of("elr-clear", "R18", "eligible replicas stay so beside a full in-sync set")
            .edit(CHANGE, "if (isr.size() >= minIsr) {", "if (minIsr < 0) {")
            .caughtBy(SIMULATION, 10),
        Guard.of("election-of-members", "R19", "a stopping broker is elected")
            .edit(
                CHANGE,
                "if (which.test(replica) && states.apply(replica) == state",
                "if (which.test(replica) && states.apply(replica) != State.FENCED")
            .caughtBy(SIMULATION, 50));
  }

  private static List<Guard> topics() {
    return List.of(
        Guard.of("deletion-by-id", "R46", "a deletion takes the logs of every topic")
            .edit(HOST, "if (id.topicId().equals(topic)) {", "if (topic != null) {")
            .caughtBy(SIMULATION, 50),
        Guard.of("deletion-on-evidence", "M20, R46", "whoever was down keeps what was deleted")
            .edit(ASSIGNMENTS, "deleted.add(tombstone.id());", "")
            .caughtBy(ASSIGNMENTS + "Test", "aDeletedTopicIsToldUntilItsEndIsConfirmed"));
  }

  private static List<Guard> uncleanElections() {
    return List.of(
        Guard.of("unclean-if-none", "R19", "an unclean election though a sound replica lives")
            .edit(
                ISR_COMMANDS,
                "for (int replica : eligible) { if (draft.state(replica) != State.FENCED) {",
                "for (int replica : eligible) { if (replica < 0) {")
            .caughtBy(SIMULATION, 20),
        Guard.of("unclean-held", "R19, R36", "an unclean leader shows what it has not synced")
            .edit(
                PARTITION,
                "Math.max(Math.min(highWatermark, log.heldEndOffset()), log.logStartOffset())",
                "Math.max(highWatermark, log.logStartOffset())")
            .caughtBy(SIMULATION, 200));
  }

  private static List<Guard> compaction() {
    return List.of(
        Guard.of("compaction-below-high-watermark", "L6", "what may be cut is compacted")
            .edit(
                PLANNER,
                "long limit = Math.min(state.highWatermark, state.logEnd);",
                "long limit = state.logEnd;")
            .caughtBy(SIMULATION, 20));
  }

  private static List<Guard> sessions() {
    return List.of(
        Guard.of("lease", "R5", "a lease never ends by itself")
            .edit(LEASE, "return nanos > 0 && nowNanos", "return nanos > 0 || nowNanos")
            .caughtBy(SIMULATION, 10),
        Guard.of("truncated-without-lease", "R40", "a deposed leader calls truncated what it lacks")
            .edit(
                LEADER_READS,
                "return current() ? new ReadAnswer.Failed( Errors.truncated(",
                "return true ? new ReadAnswer.Failed( Errors.truncated(")
            .caughtBy(
                PARTITION_TEST, "aDeposedLeaderDoesNotCallTruncatedWhatWasCommittedWithoutItR5P6"),
        Guard.of("deposed-leader", "R5", "a lease grows before the loss of a leadership is applied")
            .edit(CONTROLLER, "&& known.applied >= known.deposedAt", "")
            .caughtBy(SESSIONS, 10),
        Guard.of("indefinite-stays", "P4", "a refusal is definite though a try before it may count")
            .edit(
                ROUTER,
                "error != null && error.definite() && maybeAppended ?",
                "error != null && error.definite() && tries < 0 ?")
            .caughtBy(SIMULATION, 100)
            .caughtBy(ROUTER_TEST, "afterAnUnknownOutcomeNoRefusalIsDefinite"),
        Guard.of("forward-retry", "R45", "an append without an id is repeated after an unknown end")
            .edit(ROUTER, "case OUTCOME_UNKNOWN -> repeatable();", "case OUTCOME_UNKNOWN -> true;")
            .caughtBy(SIMULATION, 50)
            .caughtBy(
                ROUTER_TEST, "withoutAProducerIdAnIndefiniteOutcomeIsNeverFollowedByASecondAppend"),
        Guard.of("lease-while-fencing", "R5", "a lease grows while its broker is being fenced")
            .edit(CONTROLLER, "} else if (known.fencing == null) {", "} else {")
            .caughtBy(
                CONTROLLER_TEST, "aBrokerWhoseFenceIsDecidedGetsNoAnswerUntilItsFateIsKnownR5"),
        Guard.of("session-after-pause", "M6", "a leader that stood still judges silence at once")
            .edit(
                CONTROLLER,
                "if (silent >= timing.session() && now.nanos() >= judgeFrom) {",
                "if (silent >= timing.session()) {")
            .caughtBy(CONTROLLER_TEST, "aPausedLeaderReadsWhatIsQueuedBeforeItJudgesM6"),
        Guard.of("own-registration", "R1", "a broker is unfenced before it saw its registration")
            .edit(CONTROLLER, "&& heartbeat.appliedIndex() >= broker.epoch()) {", ") {")
            .edit(SESSION, "&& epoch != NONE && facts.epoch() == epoch;", "&& epoch != NONE;")
            .caughtBy(
                SESSION_TEST, "itIsReadyOnlyWithItsOwnRegistrationAppliedAndItsLogsRecoveredR1"),
        Guard.of("empty-voter", "M16", "a voter that lost its disk starts its Raft (N8)")
            .edit(
                FORMING,
                "private void seek(String why) { ready = null; waitsFor = why; }",
                "private void seek(String why) { ready = new Action.Start(new TreeMap<>(empty), 0); }")
            .caughtBy(VOTERS, 10),
        Guard.of("own-place", "R35", "a voter starts before it has heard who is at its own address")
            .edit(
                FORMING,
                "boolean alone = placeIsOwn || (asked && now.nanos() - began >= PLACE_NANOS);",
                "boolean alone = true;")
            .caughtBy(FORMING_TEST, "nobodyStartsBeforeItsOwnPlaceIsKnownToBeItsOwnR35"),
        Guard.of("admission-majority", "M16", "a voter leaves where the others are no majority")
            .edit(
                ADMISSION,
                "return rest.size() > image.voters().size() / 2;",
                "return !rest.isEmpty();")
            .caughtBy(ADMISSION_TEST, "onlyOneVoterIsOutAtATimeM16"),
        Guard.of("judged-voters", "M23", "a removal counts that was judged on other voters")
            .edit(
                VOTER_COMMANDS,
                "if (!command.before().equals(now)) { return changed(); } if (now.size() == 1)",
                "if (now.size() == 1)")
            .caughtBy(VOTER_COMMANDS_TEST, "whatWasJudgedOnOtherVotersIsJudgedAgain"),
        Guard.of("one-change-of-voters", "M23", "a voter is added before the last one votes")
            .edit(VOTER_COMMANDS, "if (voter.directoryId() == null) {", "if (voter.id() < 0) {")
            .caughtBy(VOTER_COMMANDS_TEST, "oneChangeAtATime"),
        Guard.of("removal-majority", "M23", "who is no voter is taken out without a majority")
            .edit(ADMISSION, "else if (mayLeave(member)) {", "else {")
            .caughtBy(ADMISSION_TEST, "nobodyIsTakenOutWhereTheVotersThatAreLeftAreNoMajorityM23"),
        Guard.of("stops-voting", "M23", "a node may stop voting while it is being taken in")
            .edit(ADMISSION, "&& (job == null || job.voterId() != nodeId);", ";")
            .caughtBy(ADMISSION_TEST, "nobodyMayStopWhileItIsBeingTakenInM23"),
        Guard.of("confirmed-heartbeat", "M14", "a heartbeat is answered without a round")
            .edit(
                CONTROLLER,
                "fulfil(broker, known, heartbeat, now); confirm(now);",
                "fulfil(broker, known, heartbeat, now); answer(stream, stream.arrived, now);")
            .caughtBy(SESSIONS, 200));
  }
}
