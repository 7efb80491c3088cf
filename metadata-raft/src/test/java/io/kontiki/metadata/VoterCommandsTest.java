package io.kontiki.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.metadata.MetadataCommand.AddVoter;
import io.kontiki.metadata.MetadataCommand.AdmitVoter;
import io.kontiki.metadata.MetadataCommand.RemoveVoter;
import io.kontiki.model.ErrorReason;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Who votes, changed one at a time (rule M23). */
class VoterCommandsTest {
  private static final List<Integer> THREE = List.of(1, 2, 3);
  private final Cluster cluster = Cluster.active(6);

  private AddVoter add(int id, List<Integer> before) {
    return new AddVoter(1, id, cluster.epoch(id), before);
  }

  private void admit(int id) {
    cluster.apply(new AdmitVoter(1, id, null, Cluster.directory(id)));
  }

  private Set<Integer> voters() {
    return cluster.image().voters().keySet();
  }

  private void refused(ErrorReason reason, MetadataCommand command) {
    Set<Integer> before = Set.copyOf(voters());
    Rejected rejected = assertInstanceOf(Rejected.class, cluster.apply(command));
    assertEquals(reason, rejected.error().reason(), rejected.error().message());
    assertEquals(before, Set.copyOf(voters()));
  }

  @Test
  void aVoterIsAddedWhereItsBrokerListensAndWithoutADirectory() {
    assertInstanceOf(Done.class, cluster.apply(add(4, THREE)));
    VoterImage voter = Objects.requireNonNull(cluster.image().voters().get(4));
    assertEquals(Cluster.endpoints(4).raft(), voter.raft());
    assertNull(voter.directoryId(), "it votes only when the metadata leader has taken it in (M15)");
    assertInstanceOf(Done.class, cluster.apply(add(4, THREE)), "a copy of the command (M2)");
  }

  @Test
  void oneChangeAtATime() {
    cluster.apply(add(4, THREE));
    refused(ErrorReason.QUORUM_CHANGE_IN_PROGRESS, add(5, List.of(1, 2, 3, 4)));
    admit(4);
    assertInstanceOf(Done.class, cluster.apply(add(5, List.of(1, 2, 3, 4))));
  }

  @Test
  void whatWasJudgedOnOtherVotersIsJudgedAgain() {
    refused(ErrorReason.BUSY, add(4, List.of(1, 2)));
    refused(ErrorReason.BUSY, new RemoveVoter(1, 3, List.of(1, 3)));
    cluster.apply(new RemoveVoter(1, 1, THREE));
    refused(ErrorReason.BUSY, add(4, THREE));
    refused(ErrorReason.BUSY, new RemoveVoter(1, 2, THREE));
  }

  @Test
  void onlyAnActiveBrokerBecomesAVoter() {
    refused(ErrorReason.BROKER_NOT_FOUND, new AddVoter(1, 9, 1, THREE));
    refused(ErrorReason.BROKER_NOT_FOUND, new AddVoter(1, 4, cluster.epoch(4) + 1, THREE));
    cluster.apply(new MetadataCommand.FenceBroker(1, 4, cluster.epoch(4), "test"));
    refused(ErrorReason.VOTER_NOT_READY, add(4, THREE));
  }

  @Test
  void thereAreFiveVotersAtMostAndOneAtLeast() {
    cluster.apply(add(4, THREE));
    admit(4);
    cluster.apply(add(5, List.of(1, 2, 3, 4)));
    admit(5);
    refused(ErrorReason.INVALID_FIELD, add(6, List.of(1, 2, 3, 4, 5)));
    for (int id = 1; id <= 4; id++) {
      cluster.apply(new RemoveVoter(1, id, List.copyOf(voters())));
    }
    assertEquals(Set.of(5), Set.copyOf(voters()));
    refused(ErrorReason.WOULD_LOSE_QUORUM, new RemoveVoter(1, 5, List.of(5)));
  }

  @Test
  void whoIsNoVoterCannotBeRemovedButACopyOfTheCommandIsDoneM2() {
    refused(ErrorReason.VOTER_NOT_FOUND, new RemoveVoter(1, 4, THREE));
    cluster.apply(new RemoveVoter(1, 3, THREE));
    assertInstanceOf(Done.class, cluster.apply(new RemoveVoter(1, 3, THREE)));
    assertTrue(cluster.image().brokers().containsKey(3), "it stays a broker");
  }

  @Test
  void aRemovedVoterThatIsAddedAgainHasNoDirectoryOnRecord() {
    cluster.apply(new RemoveVoter(1, 3, THREE));
    cluster.apply(add(3, List.of(1, 2)));
    assertNull(Objects.requireNonNull(cluster.image().voters().get(3)).directoryId());
  }
}
