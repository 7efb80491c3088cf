package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.Admission.Action;
import io.kontiki.broker.session.Admission.Answer;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.AdmitVoter;
import io.kontiki.metadata.MetadataCommand.FormCluster;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The leader is node 1 of three voters, in term 5. */
class AdmissionTest {
  private static final List<Integer> ALL = List.of(1, 2, 3);
  private static final Uid NEW = new Uid(3, 33);
  private final Admission admission = new Admission(1, disk(1));
  private ClusterImage image = ClusterImage.EMPTY;
  private long ms;

  private static Uid disk(int id) {
    return new Uid(1, id);
  }

  private Now now() {
    return new Now(ms * 1_000_000, ms);
  }

  @BeforeEach
  void lead() {
    form(disk(1), disk(2), disk(3));
  }

  private void form(Uid... disks) {
    List<VoterImage> voters = new ArrayList<>();
    for (int id = 1; id <= disks.length; id++) {
      Uid disk = disks[id - 1].equals(Uid.NONE) ? null : disks[id - 1];
      voters.add(new VoterImage(id, new Endpoint("host", id), disk));
    }
    image =
        MetadataMachine.apply(
                ClusterImage.EMPTY, 2, new FormCluster(0, new Uid(7, 7), 1, voters, 1))
            .image();
    admission.onLeaderStart(5, image);
  }

  private void apply(MetadataCommand command) {
    image = MetadataMachine.apply(image, image.index() + 1, command).image();
    admission.onImage(image);
  }

  private Answer seek(int voter, Uid disk) {
    Answer answer = admission.onSeek(voter, disk, false, now());
    assertNotNull(answer);
    return answer;
  }

  private List<Action> tick(List<Integer> members) {
    ms += 100;
    return admission.onTick(members, now());
  }

  @Test
  void aVoterWithAnotherDiskIsTakenOutPutOnRecordAndTakenInM16() {
    assertFalse(seek(3, NEW).refused());
    assertEquals(List.of(new Action.Confirm(1, 3)), tick(ALL));
    assertEquals(List.of(), tick(ALL), "one step at a time");
    assertEquals(List.of(new Action.Remove(2, 3)), admission.onConfirmed(1, NEW, false, now()));
    List<Action> admit = admission.onChanged(2, true, "", now());
    AdmitVoter command = new AdmitVoter(ms, 3, disk(3), NEW);
    assertEquals(List.of(new Action.Admit(3, 5, command)), admit);
    apply(command);
    assertEquals(List.of(), admission.onProposed(3, true, "", now()));
    assertEquals("it is on record now", seek(3, NEW).why());
    assertEquals(List.of(new Action.Confirm(4, 3)), tick(List.of(1, 2)));
    assertEquals(List.of(), admission.onConfirmed(4, NEW, false, now()), "it starts first");
    assertEquals(List.of(new Action.Confirm(5, 3)), tick(List.of(1, 2)));
    assertEquals(List.of(new Action.Add(6, 3)), admission.onConfirmed(5, NEW, true, now()));
    assertEquals(List.of(), admission.onChanged(6, true, "", now()));
    assertEquals(List.of(), tick(ALL));
  }

  @Test
  void aListedVoterThatComesLateIsTakenInTheSameWayM15() {
    form(disk(1), disk(2), Uid.NONE);
    seek(3, NEW);
    tick(ALL);
    admission.onConfirmed(1, NEW, false, now());
    assertEquals(
        List.of(new Action.Admit(3, 5, new AdmitVoter(ms, 3, null, NEW))),
        admission.onChanged(2, true, "", now()));
  }

  @Test
  void nothingIsDoneWithoutACommittedConfigurationWithoutTheVoterM16() {
    seek(3, NEW);
    tick(ALL);
    admission.onConfirmed(1, NEW, false, now());
    assertEquals(List.of(), admission.onChanged(2, false, "busy", now()));
    assertEquals(List.of(), tick(ALL), "it waits a little");
    assertTrue(seek(3, NEW).why().contains("busy"));
    ms += 500;
    assertEquals(List.of(new Action.Confirm(3, 3)), tick(ALL));
    // The configuration seems to be without it; only the answer says that this is committed.
    assertEquals(List.of(new Action.Remove(4, 3)), admission.onConfirmed(3, NEW, false, now()));
  }

  @Test
  void anotherProcessAtTheVotersAddressKeepsItsPlaceR35() {
    seek(3, NEW);
    tick(ALL);
    assertEquals(List.of(), admission.onConfirmed(1, disk(3), false, now()));
    assertTrue(seek(3, NEW).why().contains("in use"));
    Answer own = seek(1, NEW);
    assertTrue(own.refused() && own.why().contains("node id 1 is in use"), own.why());
  }

  @Test
  void onlyOneVoterIsOutAtATimeM16() {
    form(disk(1), disk(2), disk(3));
    seek(2, NEW);
    seek(3, NEW);
    assertEquals(List.of(new Action.Confirm(1, 3)), tick(List.of(1, 2)), "2 must stay");
    admission.onConfirmed(1, null, false, now());
    String why = seek(2, NEW).why();
    assertTrue(why.contains("[1, 2]") && why.contains("[1, 2, 3]"), why);
    assertEquals(List.of(), tick(List.of(1, 2)));
  }

  @Test
  void aNewLeaderGoesOnWhereTheOneBeforeWasM16() {
    // Before: on record with the new disk, out of the configuration, and nobody asks.
    apply(new AdmitVoter(0, 3, disk(3), NEW));
    assertEquals(List.of(new Action.Confirm(1, 3)), tick(List.of(1, 2)));
    assertEquals(
        List.of(), admission.onConfirmed(1, disk(3), false, now()), "the old disk is there");
    ms += 500;
    tick(List.of(1, 2));
    assertEquals(List.of(new Action.Add(3, 3)), admission.onConfirmed(2, NEW, true, now()));
  }

  @Test
  void theEndOfLeadershipEndsEverythingM3() {
    seek(3, NEW);
    tick(ALL);
    admission.onConfirmed(1, NEW, false, now());
    admission.onLeaderStop();
    assertEquals(List.of(), admission.onChanged(2, true, "", now()));
    assertNull(admission.onSeek(3, NEW, false, now()));
    assertEquals(List.of(), tick(ALL));
    admission.onLeaderStart(6, image);
    assertEquals(List.of(), admission.onChanged(2, true, "", now()), "of the term before");
  }

  @Test
  void whoVotesSinceTheBeginningIsOnlyPutOnRecordM15() {
    form(disk(1), Uid.NONE, disk(3));
    admission.onSeek(2, disk(2), true, now());
    tick(ALL);
    assertEquals(
        List.of(new Action.Admit(2, 5, new AdmitVoter(ms, 2, null, disk(2)))),
        admission.onConfirmed(1, disk(2), false, now()));
    form(Uid.NONE, disk(2), disk(3));
    assertEquals(
        List.of(new Action.Admit(4, 5, new AdmitVoter(ms + 100, 1, null, disk(1)))), tick(ALL));
  }

  @Test
  void aDiskThatWasReplacedIsNeverPutOnRecordWithoutBeingTakenOutM16() {
    // It says that it votes, but the record names another: it is no voter since the beginning.
    admission.onSeek(3, NEW, true, now());
    tick(ALL);
    assertEquals(List.of(new Action.Remove(2, 3)), admission.onConfirmed(1, NEW, false, now()));
  }

  @Test
  void whoIsNoVoterIsRefused() {
    Answer answer = seek(4, NEW);
    assertTrue(answer.refused() && answer.why().contains("[1, 2, 3]"), answer.why());
  }

  /** Registered, active, and a voter without a directory. */
  private void addVoter(int id, List<Integer> before) {
    Endpoint raft = new Endpoint("host", id);
    apply(
        new MetadataCommand.RegisterBroker(
            0,
            id,
            Uid.NONE,
            disk(id),
            new Uid(2, id),
            new Endpoints(raft, raft, raft, raft, null),
            -1,
            "test"));
    long epoch = image.index();
    apply(new MetadataCommand.UnfenceBroker(0, id, epoch, List.of()));
    apply(new MetadataCommand.AddVoter(0, id, epoch, before));
    assertTrue(image.voters().containsKey(id));
  }

  @Test
  void aBrokerThatIsMadeAVoterIsTakenInLikeOneThatComesLateM23() {
    addVoter(4, ALL);
    assertEquals(List.of(), tick(ALL), "it asks first");
    assertFalse(seek(4, disk(4)).refused());
    assertEquals(List.of(new Action.Confirm(1, 4)), tick(ALL));
    // Nobody counts it; the answer says that this is committed.
    assertEquals(List.of(new Action.Remove(2, 4)), admission.onConfirmed(1, disk(4), false, now()));
    AdmitVoter command = new AdmitVoter(ms, 4, null, disk(4));
    assertEquals(List.of(new Action.Admit(3, 5, command)), admission.onChanged(2, true, "", now()));
    apply(command);
    admission.onProposed(3, true, "", now());
    assertEquals(List.of(new Action.Confirm(4, 4)), tick(ALL));
    assertEquals(List.of(new Action.Add(5, 4)), admission.onConfirmed(4, disk(4), true, now()));
    assertEquals(List.of(), admission.onChanged(5, true, "", now()));
    assertEquals(List.of(), tick(List.of(1, 2, 3, 4)));
  }

  @Test
  void theSecondVoterOfAllIsTakenInThoughOneIsNoMajorityOfTwoM23() {
    form(disk(1));
    addVoter(2, List.of(1));
    assertEquals("its turn comes", seek(2, disk(2)).why());
    assertEquals(List.of(new Action.Confirm(1, 2)), tick(List.of(1)));
    assertEquals(List.of(new Action.Remove(2, 2)), admission.onConfirmed(1, disk(2), false, now()));
  }

  @Test
  void whoIsNoVoterAnyMoreIsTakenOutM23() {
    apply(new MetadataCommand.RemoveVoter(0, 3, ALL));
    assertFalse(admission.left(3), "nobody has looked at the configuration");
    assertEquals(List.of(new Action.Remove(1, 3)), tick(ALL));
    assertEquals(List.of(), tick(ALL), "one step at a time");
    assertFalse(admission.left(3));
    assertEquals(List.of(), admission.onChanged(1, false, "busy", now()));
    assertEquals(List.of(), tick(ALL), "it waits a little");
    assertFalse(admission.left(3), "the configuration counts it");
    ms += 500;
    assertEquals(List.of(new Action.Remove(2, 3)), tick(ALL));
    assertEquals(List.of(), admission.onChanged(2, true, "", now()));
    assertFalse(admission.left(3), "what was seen is of before the change");
    assertEquals(List.of(), tick(List.of(1, 2)));
    assertTrue(admission.left(3), "it may stop its Raft");
    assertFalse(admission.left(2), "a voter may not");
    admission.onLeaderStop();
    assertFalse(admission.left(3), "whoever leads says so");
  }

  @Test
  void nobodyMayStopWhileItIsBeingTakenInM23() {
    addVoter(4, ALL);
    seek(4, disk(4));
    tick(ALL);
    admission.onConfirmed(1, disk(4), false, now());
    admission.onChanged(2, true, "", now());
    apply(new AdmitVoter(ms, 4, null, disk(4)));
    admission.onProposed(3, true, "", now());
    tick(ALL);
    admission.onConfirmed(4, disk(4), true, now()); // the configuration may count it any moment
    apply(new MetadataCommand.RemoveVoter(0, 4, List.of(1, 2, 3, 4)));
    assertFalse(admission.left(4));
    tick(ALL);
    assertFalse(admission.left(4));
    admission.onChanged(5, true, "", now());
    assertFalse(admission.left(4), "it is counted now");
    assertEquals(List.of(new Action.Remove(6, 4)), tick(List.of(1, 2, 3, 4)));
  }

  @Test
  void aLeaderThatIsNoVoterAnyMoreHandsOverM23() {
    apply(new MetadataCommand.RemoveVoter(0, 1, ALL));
    assertEquals(List.of(new Action.HandOver()), tick(ALL));
    assertEquals(List.of(), tick(ALL), "the others need a little");
    ms += 2_000;
    assertEquals(List.of(new Action.HandOver()), tick(ALL));
  }

  @Test
  void nobodyIsTakenOutWhereTheVotersThatAreLeftAreNoMajorityM23() {
    // 3 is out, waiting to be taken in with another disk, when 2 is removed.
    apply(new MetadataCommand.RemoveVoter(0, 2, ALL));
    assertEquals(
        List.of(), tick(List.of(1, 2)).stream().filter(Action.Remove.class::isInstance).toList());
  }

  @Test
  void whoHasNotAskedForLongIsForgotten() {
    seek(3, NEW);
    ms += 4_000;
    assertEquals(List.of(), tick(ALL));
  }
}
