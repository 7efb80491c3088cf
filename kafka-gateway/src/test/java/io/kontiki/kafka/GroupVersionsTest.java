package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.RealNodes;
import io.kontiki.group.GroupLimits;
import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.message.DeleteGroupsRequestData;
import org.apache.kafka.common.message.DeleteGroupsResponseData;
import org.apache.kafka.common.message.DescribeGroupsRequestData;
import org.apache.kafka.common.message.DescribeGroupsResponseData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.HeartbeatRequestData;
import org.apache.kafka.common.message.HeartbeatResponseData;
import org.apache.kafka.common.message.JoinGroupRequestData;
import org.apache.kafka.common.message.JoinGroupRequestData.JoinGroupRequestProtocol;
import org.apache.kafka.common.message.JoinGroupResponseData;
import org.apache.kafka.common.message.LeaveGroupRequestData;
import org.apache.kafka.common.message.LeaveGroupRequestData.MemberIdentity;
import org.apache.kafka.common.message.LeaveGroupResponseData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.message.ListGroupsResponseData;
import org.apache.kafka.common.message.OffsetCommitRequestData;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestPartition;
import org.apache.kafka.common.message.OffsetCommitRequestData.OffsetCommitRequestTopic;
import org.apache.kafka.common.message.OffsetCommitResponseData;
import org.apache.kafka.common.message.OffsetDeleteRequestData;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestPartition;
import org.apache.kafka.common.message.OffsetDeleteRequestData.OffsetDeleteRequestTopic;
import org.apache.kafka.common.message.OffsetDeleteResponseData;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestTopic;
import org.apache.kafka.common.message.OffsetFetchResponseData;
import org.apache.kafka.common.message.SyncGroupRequestData;
import org.apache.kafka.common.message.SyncGroupRequestData.SyncGroupRequestAssignment;
import org.apache.kafka.common.message.SyncGroupResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Group requests over sockets, in every version. */
class GroupVersionsTest {
  private static final byte[] WORD = {1, 2, 3};
  @TempDir static Path dir;
  private static RealNodes nodes;
  private static int coordinator = -1;

  @BeforeAll
  static void start() throws Exception {
    nodes = new RealNodes(dir, 3);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()))) {
      admin.createTopics(List.of(new NewTopic("t", 3, (short) 1))).all().get(30, TimeUnit.SECONDS);
    }
    awaitQuiet();
  }

  /** Just after a start the leadership of a shard goes to where it belongs. */
  private static void awaitQuiet() {
    Awaitility.await()
        .during(Duration.ofSeconds(8))
        .atMost(Duration.ofSeconds(90))
        .until(
            () -> {
              int before = coordinator;
              coordinator = coordinator("g", 3);
              return coordinator == before;
            });
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  private static int coordinator(String group, int version) throws IOException {
    FindCoordinatorRequestData request = new FindCoordinatorRequestData();
    if (version >= 4) {
      request.setCoordinatorKeys(List.of(group));
    } else {
      request.setKey(group);
    }
    try (RawClient client = new RawClient(nodes.kafka(1))) {
      while (true) {
        FindCoordinatorResponseData found =
            client.call(
                ApiKeys.FIND_COORDINATOR, version, request, FindCoordinatorResponseData.class);
        short error = version >= 4 ? found.coordinators().get(0).errorCode() : found.errorCode();
        if (error == Errors.NONE.code()) {
          int id = version >= 4 ? found.coordinators().get(0).nodeId() : found.nodeId();
          int port = version >= 4 ? found.coordinators().get(0).port() : found.port();
          assertEquals(nodes.kafka(id).port(), port);
          return id;
        }
        assertEquals(Errors.COORDINATOR_NOT_AVAILABLE.code(), error);
      }
    }
  }

  @Test
  void theCoordinatorIsTheSameWhoeverIsAskedInWhicheverVersion() throws IOException {
    int id = coordinator("g", 0);
    for (int version = 1; version <= 6; version++) {
      assertEquals(id, coordinator("g", version));
    }
    try (RawClient client = new RawClient(nodes.kafka(2))) {
      FindCoordinatorResponseData refused =
          client.call(
              ApiKeys.FIND_COORDINATOR,
              2,
              new FindCoordinatorRequestData().setKey("t").setKeyType((byte) 1),
              FindCoordinatorResponseData.class);
      assertEquals(Errors.INVALID_REQUEST.code(), refused.errorCode());
    }
  }

  private static JoinGroupRequestData join(String group, String memberId) {
    JoinGroupRequestData request =
        new JoinGroupRequestData()
            .setGroupId(group)
            .setMemberId(memberId)
            .setProtocolType("consumer")
            .setSessionTimeoutMs(10_000)
            .setRebalanceTimeoutMs(10_000);
    request.protocols().add(new JoinGroupRequestProtocol().setName("range").setMetadata(WORD));
    return request;
  }

  @Test
  void membersJoinSyncBeatAndLeaveInEveryVersion() throws IOException {
    for (int version = 0; version <= 9; version++) {
      String group = "members-" + version;
      Endpoint at = nodes.kafka(coordinator(group, 3));
      try (RawClient client = new RawClient(at)) {
        JoinGroupResponseData joined =
            client.call(ApiKeys.JOIN_GROUP, version, join(group, ""), JoinGroupResponseData.class);
        if (version >= 4) {
          assertEquals(Errors.MEMBER_ID_REQUIRED.code(), joined.errorCode());
          joined =
              client.call(
                  ApiKeys.JOIN_GROUP,
                  version,
                  join(group, joined.memberId()),
                  JoinGroupResponseData.class);
        }
        assertEquals(Errors.NONE.code(), joined.errorCode());
        assertEquals(1, joined.generationId());
        assertEquals("range", joined.protocolName());
        assertEquals(joined.memberId(), joined.leader());
        assertArrayEquals(WORD, joined.members().get(0).metadata());
        String member = joined.memberId();
        int older = Math.min(version, 5);
        SyncGroupRequestData sync =
            new SyncGroupRequestData()
                .setGroupId(group)
                .setMemberId(member)
                .setGenerationId(1)
                .setAssignments(
                    List.of(
                        new SyncGroupRequestAssignment()
                            .setMemberId(member)
                            .setAssignment(new byte[] {9})));
        if (older >= 5) {
          sync.setProtocolType("consumer").setProtocolName("range");
        }
        SyncGroupResponseData synced =
            client.call(ApiKeys.SYNC_GROUP, older, sync, SyncGroupResponseData.class);
        assertEquals(Errors.NONE.code(), synced.errorCode());
        assertArrayEquals(new byte[] {9}, synced.assignment());
        HeartbeatRequestData beat =
            new HeartbeatRequestData().setGroupId(group).setMemberId(member).setGenerationId(1);
        assertEquals(
            Errors.NONE.code(),
            client
                .call(ApiKeys.HEARTBEAT, Math.min(version, 4), beat, HeartbeatResponseData.class)
                .errorCode());
        assertEquals(
            Errors.ILLEGAL_GENERATION.code(),
            client
                .call(
                    ApiKeys.HEARTBEAT,
                    Math.min(version, 4),
                    beat.setGenerationId(0),
                    HeartbeatResponseData.class)
                .errorCode());
        LeaveGroupRequestData leave = new LeaveGroupRequestData().setGroupId(group);
        if (older >= 3) {
          leave.setMembers(List.of(new MemberIdentity().setMemberId(member)));
        } else {
          leave.setMemberId(member);
        }
        LeaveGroupResponseData left =
            client.call(ApiKeys.LEAVE_GROUP, older, leave, LeaveGroupResponseData.class);
        assertEquals(
            Errors.NONE.code(), older >= 3 ? left.members().get(0).errorCode() : left.errorCode());
      }
    }
  }

  private static OffsetCommitRequestData commit(String group, long offset, String metadata) {
    return new OffsetCommitRequestData()
        .setGroupId(group)
        .setTopics(
            List.of(
                new OffsetCommitRequestTopic()
                    .setName("t")
                    .setPartitions(
                        List.of(
                            new OffsetCommitRequestPartition()
                                .setPartitionIndex(1)
                                .setCommittedOffset(offset)
                                .setCommittedMetadata(metadata)))));
  }

  private static short error(OffsetCommitResponseData answer) {
    return answer.topics().get(0).partitions().get(0).errorCode();
  }

  @Test
  void offsetsAreStoredAndReadInEveryVersion() throws IOException {
    int id = coordinator("offsets", 3);
    try (RawClient client = new RawClient(nodes.kafka(id));
        RawClient other = new RawClient(nodes.kafka(id % 3 + 1))) {
      for (int version = 0; version <= 9; version++) {
        assertEquals(
            Errors.NONE.code(),
            error(
                client.call(
                    ApiKeys.OFFSET_COMMIT,
                    version,
                    commit("offsets", 100 + version, "m"),
                    OffsetCommitResponseData.class)));
        assertEquals(
            Errors.NOT_COORDINATOR.code(),
            error(
                other.call(
                    ApiKeys.OFFSET_COMMIT,
                    version,
                    commit("offsets", 1, ""),
                    OffsetCommitResponseData.class)));
        fetched(client, version, 100 + version);
      }
      assertEquals(
          Errors.OFFSET_METADATA_TOO_LARGE.code(),
          error(
              client.call(
                  ApiKeys.OFFSET_COMMIT,
                  9,
                  commit("offsets", 5, "x".repeat(4_097)),
                  OffsetCommitResponseData.class)));
      OffsetCommitRequestData unknown = commit("offsets", 5, "");
      unknown.topics().get(0).setName("nothing");
      assertEquals(
          Errors.UNKNOWN_TOPIC_OR_PARTITION.code(),
          error(client.call(ApiKeys.OFFSET_COMMIT, 9, unknown, OffsetCommitResponseData.class)));
      deleted(client);
    }
  }

  private static void fetched(RawClient client, int version, long offset) throws IOException {
    OffsetFetchRequestData request = new OffsetFetchRequestData();
    if (version >= 8) {
      request.setGroups(
          List.of(
              new OffsetFetchRequestGroup().setGroupId("offsets").setTopics(null),
              new OffsetFetchRequestGroup().setGroupId("x".repeat(256)).setTopics(null)));
    } else {
      request.setGroupId("offsets");
      request.setTopics(
          version >= 2 && version % 2 == 0
              ? null
              : List.of(
                  new OffsetFetchRequestTopic().setName("t").setPartitionIndexes(List.of(1, 2))));
    }
    OffsetFetchResponseData answer =
        client.call(ApiKeys.OFFSET_FETCH, version, request, OffsetFetchResponseData.class);
    if (version >= 8) {
      var one = answer.groups().get(0).topics().get(0).partitions().get(0);
      assertEquals(offset, one.committedOffset());
      assertEquals("m", one.metadata());
      assertEquals(Errors.INVALID_GROUP_ID.code(), answer.groups().get(1).errorCode());
      return;
    }
    var partitions = answer.topics().get(0).partitions();
    assertEquals(offset, partitions.get(0).committedOffset());
    assertEquals("m", partitions.get(0).metadata());
    if (partitions.size() > 1) {
      assertEquals(-1, partitions.get(1).committedOffset(), "never 0 for what is not there (G4)");
    }
  }

  private static void deleted(RawClient client) throws IOException {
    OffsetDeleteRequestData request = new OffsetDeleteRequestData().setGroupId("offsets");
    OffsetDeleteRequestTopic topic = new OffsetDeleteRequestTopic().setName("t");
    topic.partitions().add(new OffsetDeleteRequestPartition().setPartitionIndex(1));
    request.topics().add(topic);
    OffsetDeleteResponseData answer =
        client.call(ApiKeys.OFFSET_DELETE, 0, request, OffsetDeleteResponseData.class);
    assertEquals(Errors.NONE.code(), answer.errorCode());
    // Nothing is left of the group.
    assertEquals(
        Errors.GROUP_ID_NOT_FOUND.code(),
        client.call(ApiKeys.OFFSET_DELETE, 0, request, OffsetDeleteResponseData.class).errorCode());
  }

  @Test
  void groupsAreListedDescribedAndDeletedInEveryVersion() throws IOException {
    int id = coordinator("admin", 3);
    try (RawClient client = new RawClient(nodes.kafka(id))) {
      client.call(ApiKeys.OFFSET_COMMIT, 2, commit("admin", 3, ""), OffsetCommitResponseData.class);
      for (int version = 0; version <= 5; version++) {
        ListGroupsResponseData list =
            client.call(
                ApiKeys.LIST_GROUPS,
                version,
                new ListGroupsRequestData(),
                ListGroupsResponseData.class);
        assertTrue(
            list.groups().stream().anyMatch(group -> group.groupId().equals("admin")),
            list::toString);
        var described =
            client
                .call(
                    ApiKeys.DESCRIBE_GROUPS,
                    version,
                    new DescribeGroupsRequestData().setGroups(List.of("admin", "nothing")),
                    DescribeGroupsResponseData.class)
                .groups();
        assertEquals("Empty", described.get(0).groupState());
        assertEquals("Dead", described.get(1).groupState());
        assertNotEquals(Errors.NOT_COORDINATOR.code(), described.get(0).errorCode());
      }
      ListGroupsResponseData stable =
          client.call(
              ApiKeys.LIST_GROUPS,
              4,
              new ListGroupsRequestData().setStatesFilter(List.of("Stable")),
              ListGroupsResponseData.class);
      assertTrue(
          stable.groups().stream().noneMatch(group -> group.groupId().equals("admin")),
          stable::toString);
      for (int version = 0; version <= 2; version++) {
        var results =
            client
                .call(
                    ApiKeys.DELETE_GROUPS,
                    version,
                    new DeleteGroupsRequestData().setGroupsNames(List.of("admin")),
                    DeleteGroupsResponseData.class)
                .results();
        assertEquals(
            (version == 0 ? Errors.NONE : Errors.GROUP_ID_NOT_FOUND).code(),
            results.find("admin").errorCode());
      }
    }
  }

  @Test
  void oldClientsCommitToTheGroupWithoutAName() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(coordinator("", 1)))) {
      assertEquals(
          Errors.NONE.code(),
          error(
              client.call(
                  ApiKeys.OFFSET_COMMIT, 2, commit("", 7, "x"), OffsetCommitResponseData.class)));
      OffsetFetchRequestData fetch =
          new OffsetFetchRequestData()
              .setTopics(
                  List.of(
                      new OffsetFetchRequestData.OffsetFetchRequestTopic()
                          .setName("t")
                          .setPartitionIndexes(List.of(1))));
      OffsetFetchResponseData fetched =
          client.call(ApiKeys.OFFSET_FETCH, 1, fetch.setGroupId(""), OffsetFetchResponseData.class);
      assertEquals(7, fetched.topics().get(0).partitions().get(0).committedOffset());
      // It has no members.
      assertEquals(
          Errors.INVALID_GROUP_ID.code(),
          client
              .call(ApiKeys.JOIN_GROUP, 2, join("", ""), JoinGroupResponseData.class)
              .errorCode());
      assertEquals(
          Errors.NONE.code(),
          client
              .call(
                  ApiKeys.DELETE_GROUPS,
                  1,
                  new DeleteGroupsRequestData().setGroupsNames(List.of("")),
                  DeleteGroupsResponseData.class)
              .results()
              .find("")
              .errorCode());
    }
  }

  @Test
  void aGroupTakesNoMoreThanFiveThousandMembers() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(coordinator("full", 3)))) {
      JoinGroupRequestData request = join("full", "").setSessionTimeoutMs(120_000);
      for (int i = 0; i < GroupLimits.MEMBERS_PER_GROUP; i++) {
        JoinGroupResponseData promised =
            client.call(ApiKeys.JOIN_GROUP, 5, request, JoinGroupResponseData.class);
        assertEquals(Errors.MEMBER_ID_REQUIRED.code(), promised.errorCode());
      }
      assertEquals(
          Errors.GROUP_MAX_SIZE_REACHED.code(),
          client.call(ApiKeys.JOIN_GROUP, 5, request, JoinGroupResponseData.class).errorCode());
    }
  }

  @Test
  void aStaticLeaderThatComesBackIsToldNotToAssignIfItKnowsThatWord() throws IOException {
    try (RawClient client = new RawClient(nodes.kafka(coordinator("static", 3)))) {
      JoinGroupRequestData request = join("static", "").setGroupInstanceId("one");
      JoinGroupResponseData first =
          client.call(ApiKeys.JOIN_GROUP, 9, request, JoinGroupResponseData.class);
      assertEquals(Errors.NONE.code(), first.errorCode());
      assertFalse(first.skipAssignment());
      SyncGroupRequestData sync =
          new SyncGroupRequestData()
              .setGroupId("static")
              .setMemberId(first.memberId())
              .setGroupInstanceId("one")
              .setGenerationId(first.generationId())
              .setProtocolType("consumer")
              .setProtocolName("range")
              .setAssignments(
                  List.of(
                      new SyncGroupRequestAssignment()
                          .setMemberId(first.memberId())
                          .setAssignment(new byte[] {5})));
      assertEquals(
          Errors.NONE.code(),
          client.call(ApiKeys.SYNC_GROUP, 5, sync, SyncGroupResponseData.class).errorCode());

      JoinGroupResponseData again =
          client.call(ApiKeys.JOIN_GROUP, 9, request, JoinGroupResponseData.class);
      assertEquals(Errors.NONE.code(), again.errorCode());
      assertTrue(again.skipAssignment());
      assertEquals(again.memberId(), again.leader());
      assertEquals(first.generationId(), again.generationId());
      assertEquals(1, again.members().size());
      SyncGroupResponseData kept =
          client.call(
              ApiKeys.SYNC_GROUP,
              5,
              sync.setMemberId(again.memberId()).setAssignments(List.of()),
              SyncGroupResponseData.class);
      assertArrayEquals(new byte[] {5}, kept.assignment());

      // One that would assign is not told that it leads.
      JoinGroupResponseData older =
          client.call(ApiKeys.JOIN_GROUP, 8, request, JoinGroupResponseData.class);
      assertEquals(Errors.NONE.code(), older.errorCode());
      assertNotEquals(older.memberId(), older.leader());
      assertEquals(0, older.members().size());
    }
  }
}
