package io.kontiki.broker.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.api.VoterChanges.Groups;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.AddVoter;
import io.kontiki.metadata.MetadataCommand.FormCluster;
import io.kontiki.metadata.MetadataCommand.RegisterBroker;
import io.kontiki.metadata.MetadataCommand.RemoveVoter;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Endpoint;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.model.Uid;
import io.kontiki.raft.RaftGroup.Member;
import io.kontiki.raft.RaftGroup.RaftStatus;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is judged before voters change (rule M23); brokers 1 to 6, two shards. */
class VoterChangesTest {
  private static final Endpoint ANY = new Endpoint("host", 1);
  private static final int LEADER = 1;

  private static ClusterImage image(int voters) {
    List<VoterImage> list = new ArrayList<>();
    for (int id = 1; id <= voters; id++) {
      list.add(new VoterImage(id, ANY, new Uid(1, id)));
    }
    ClusterImage image = apply(ClusterImage.EMPTY, new FormCluster(0, new Uid(7, 7), 1, list, 2));
    for (int id = 1; id <= 6; id++) {
      image =
          apply(
              image,
              new RegisterBroker(
                  0,
                  id,
                  Uid.NONE,
                  new Uid(1, id),
                  new Uid(2, id),
                  new Endpoints(ANY, ANY, ANY, ANY, null),
                  -1,
                  "test"));
      image = apply(image, new MetadataCommand.UnfenceBroker(0, id, image.index(), List.of()));
    }
    return image;
  }

  private static ClusterImage apply(ClusterImage image, MetadataCommand command) {
    return MetadataMachine.apply(image, image.index() + 1, command).image();
  }

  /** By its leader, node 1; a negative id is one that the leader does not hear of. */
  private static RaftStatus group(String name, int... members) {
    List<Member> all = new ArrayList<>();
    for (int id : members) {
      long contact = id == LEADER ? 0 : id > 0 ? 250 : VoterChanges.CONTACT_MS + 1;
      all.add(new Member(Math.abs(id), ANY, 10, contact));
    }
    return new RaftStatus(name, LEADER, false, 3, 10, 10, all);
  }

  private static Groups all(int... members) {
    return new Groups(
        group("metadata", members),
        List.of(group("groups-0", members), group("groups-1", members)));
  }

  private static Groups shard(RaftStatus second, int... members) {
    return new Groups(group("metadata", members), List.of(group("groups-0", members), second));
  }

  private static void refused(ErrorReason reason, String word, Result<MetadataCommand> decided) {
    ApiError error = assertInstanceOf(Result.Err.class, decided).error();
    assertEquals(reason, error.reason(), error.message());
    assertTrue(error.message().contains(word), error.message());
  }

  @Test
  void aBrokerIsAddedToVotersThatAllAnswer() {
    ClusterImage image = image(3);
    assertEquals(
        Result.ok(new AddVoter(9, 4, image.brokers().get(4).epoch(), List.of(1, 2, 3))),
        VoterChanges.add(image, all(1, 2, 3), 4, 9));
  }

  @Test
  void nobodyIsAddedWhoIsUnknown() {
    refused(
        ErrorReason.BROKER_NOT_FOUND, "start it", VoterChanges.add(image(3), all(1, 2, 3), 7, 9));
  }

  @Test
  void nobodyIsAddedWhileAVoterIsDown() {
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "does not hear of [3]",
        VoterChanges.add(image(3), all(1, 2, -3), 4, 9));
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "'groups-1' does not hear of [2]",
        VoterChanges.add(image(3), shard(group("groups-1", 1, -2, 3), 1, 2, 3), 4, 9));
  }

  @Test
  void aVoterWhoseProcessIsProvenDeadIsDownBeforeItsLeaderMissesItR6() {
    ClusterImage image = image(3);
    image =
        apply(image, new MetadataCommand.FenceBroker(0, 3, image.brokers().get(3).epoch(), "test"));
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "does not hear of [3]",
        VoterChanges.add(image, all(1, 2, 3), 4, 9));
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "hears only of [1]",
        VoterChanges.remove(image, all(1, 2, 3), 2, 9));
  }

  @Test
  void nothingIsChangedWhileAGroupHasNotFollowedTheLastChange() {
    ClusterImage image = image(3);
    String word = "counts [1, 2]";
    refused(ErrorReason.QUORUM_CHANGE_IN_PROGRESS, word, VoterChanges.add(image, all(1, 2), 4, 9));
    Groups behind = shard(group("groups-1", 1, 2), 1, 2, 3);
    refused(ErrorReason.QUORUM_CHANGE_IN_PROGRESS, word, VoterChanges.add(image, behind, 4, 9));
    refused(ErrorReason.QUORUM_CHANGE_IN_PROGRESS, word, VoterChanges.remove(image, behind, 2, 9));
    refused(
        ErrorReason.QUORUM_CHANGE_IN_PROGRESS,
        "counts [1, 2, 3, 4]",
        VoterChanges.remove(image, all(1, 2, 3, 4), 2, 9));
  }

  @Test
  void nothingIsChangedWithoutTheWordOfEveryLeader() {
    ClusterImage image = image(3);
    RaftStatus leaderless =
        new RaftStatus("groups-1", -1, false, 3, 10, 10, List.of(new Member(1, ANY, -1, -1)));
    refused(
        ErrorReason.QUORUM_UNAVAILABLE,
        "'groups-1' has no leader",
        VoterChanges.add(image, shard(leaderless, 1, 2, 3), 4, 9));
    refused(
        ErrorReason.QUORUM_UNAVAILABLE,
        "of 2 shards",
        VoterChanges.remove(image, new Groups(group("metadata", 1, 2, 3), List.of()), 3, 9));
  }

  @Test
  void aVoterIsRemovedUpOrDown() {
    RemoveVoter command = new RemoveVoter(9, 3, List.of(1, 2, 3));
    assertEquals(Result.ok(command), VoterChanges.remove(image(3), all(1, 2, 3), 3, 9));
    assertEquals(Result.ok(command), VoterChanges.remove(image(3), all(1, 2, -3), 3, 9));
    assertEquals(
        Result.ok(new RemoveVoter(9, 4, List.of(1, 2, 3, 4, 5))),
        VoterChanges.remove(image(5), all(1, 2, 3, -4, -5), 4, 9),
        "three of the four that stay are up");
  }

  @Test
  void nobodyIsRemovedIfTheOthersWouldHaveNoMajority() {
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "hears only of [1]",
        VoterChanges.remove(image(3), all(1, -2, 3), 3, 9));
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "hears only of [1, 2]",
        VoterChanges.remove(image(5), all(1, 2, 3, -4, -5), 3, 9));
    refused(
        ErrorReason.WOULD_LOSE_QUORUM,
        "'groups-1'",
        VoterChanges.remove(image(3), shard(group("groups-1", 1, -2, 3), 1, 2, 3), 3, 9));
  }

  @Test
  void aVoterThatWasNeverTakenInIsRemovedAgain() {
    ClusterImage three = image(3);
    ClusterImage image =
        apply(three, new AddVoter(0, 4, three.brokers().get(4).epoch(), List.of(1, 2, 3)));
    assertEquals(List.of(1, 2, 3, 4), List.copyOf(image.voters().keySet()));
    assertEquals(
        Result.ok(new RemoveVoter(9, 4, List.of(1, 2, 3, 4))),
        VoterChanges.remove(image, all(1, 2, 3), 4, 9));
    refused(
        ErrorReason.QUORUM_CHANGE_IN_PROGRESS,
        "counts [1, 2, 3]",
        VoterChanges.remove(image, all(1, 2, 3), 3, 9));
  }

  @Test
  void whoIsNoVoterIsNotRemoved() {
    refused(
        ErrorReason.VOTER_NOT_FOUND,
        "[1, 2, 3]",
        VoterChanges.remove(image(3), all(1, 2, 3), 4, 9));
  }

  @Test
  void aChangeIsOverWhenEveryGroupCountsTheVoters() {
    assertTrue(VoterChanges.settled(image(3), all(1, 2, -3)));
    assertEquals(false, VoterChanges.settled(image(3), shard(group("groups-1", 1, 2), 1, 2, 3)));
    assertTrue(VoterChanges.counted(shard(group("groups-1", 1, 2, 4), 1, 2, 3), 4));
  }
}
