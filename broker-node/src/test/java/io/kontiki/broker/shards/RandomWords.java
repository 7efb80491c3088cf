package io.kontiki.broker.shards;

import io.kontiki.broker.coordinator.LinkEvent;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.broker.coordinator.LinkRequest;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.group.Assignor;
import io.kontiki.group.ClassicMember;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupState;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberEnd;
import io.kontiki.group.MemberState;
import io.kontiki.group.OffsetCommit;
import io.kontiki.group.Opaque;
import io.kontiki.group.OwnedPartition;
import io.kontiki.group.PartitionLoss;
import io.kontiki.group.TopicsSeen;
import io.kontiki.group.codec.GroupParts;
import io.kontiki.internal.v1.MemberStateRecord;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/** Words of links with every field drawn, the extremes among them. */
final class RandomWords {
  private final Random random;

  RandomWords(Random random) {
    this.random = random;
  }

  LinkRequest request() {
    return switch (random.nextInt(9)) {
      case 0 -> new LinkRequest.Open(number(), number(), big());
      case 1 -> new LinkRequest.Claims(list(() -> new LinkRequest.Claim(text(), text())));
      case 2 -> new LinkRequest.Join(big(), text(), text(), text(), text(), details(), positive());
      case 3 -> new LinkRequest.Submit(big(), list(this::command));
      case 4 -> new LinkRequest.Abandon(text(), text());
      case 5 -> new LinkRequest.Heartbeat(list(() -> new LinkRequest.Seen(text(), text(), big())));
      case 6 -> new LinkRequest.Offsets(big(), text(), partitions(random.nextInt(5)));
      case 7 -> new LinkRequest.Describe(big(), text());
      default -> new LinkRequest.ListGroups(big());
    };
  }

  LinkEvent event() {
    return switch (random.nextInt(10)) {
      case 0 -> new LinkEvent.Opened();
      case 1 -> new LinkEvent.Redirect(number());
      case 2 -> new LinkEvent.Heartbeat();
      case 3 -> {
        TreeMap<PartitionId, PartitionLoss> lost = new TreeMap<>();
        partitions(random.nextInt(4))
            .forEach(partition -> lost.put(partition, any(PartitionLoss.values())));
        yield new LinkEvent.Changed(text(), member(), lost);
      }
      case 4 -> new LinkEvent.Ended(text(), text(), error());
      default -> new LinkEvent.Answer(big(), reply());
    };
  }

  private Reply reply() {
    return switch (random.nextInt(5)) {
      case 0 -> new Reply.Answers(list(this::answer));
      case 1 -> new Reply.Committed(offsets());
      case 2 -> new Reply.Described(report());
      case 3 ->
          new Reply.Listed(
              list(
                  () ->
                      new GroupLine(
                          text(),
                          any(GroupState.Phase.values()),
                          any(GroupState.Kind.values()),
                          number())));
      default -> new Reply.Failed(error());
    };
  }

  GroupCommand command() {
    List<PartitionId> some = List.copyOf(partitions(random.nextInt(4)));
    return switch (random.nextInt(13)) {
      case 0 -> new GroupCommand.LeaveGroup(big(), text(), text(), number());
      case 1 -> new GroupCommand.ExpireMember(big(), text(), text(), number(), text());
      case 2 ->
          new GroupCommand.ReleasePartitions(
              big(), text(), text(), number(), some, random.nextBoolean());
      case 3 ->
          new GroupCommand.CommitOffsets(
              big(), text(), text(), number(), list(this::commit), random.nextBoolean());
      case 4 -> new GroupCommand.ResetOffsets(big(), text(), list(this::commit));
      case 5 -> new GroupCommand.DeleteOffsets(big(), text(), some, list(this::text));
      case 6 -> new GroupCommand.DeleteGroup(big(), text());
      case 7 -> new GroupCommand.UpdateTopics(big(), text(), seen());
      case 8 ->
          new GroupCommand.CompleteJoin(
              big(), text(), number(), text(), text(), text(), list(this::classic));
      case 9 -> {
        TreeMap<String, ClassicMember.Assigned> assignments = new TreeMap<>();
        list(this::text)
            .forEach(
                id ->
                    assignments.put(
                        id, new ClassicMember.Assigned(opaque(), partitions(random.nextInt(3)))));
        yield new GroupCommand.SyncClassic(big(), text(), number(), assignments);
      }
      case 10 ->
          new GroupCommand.EndClassic(
              big(),
              text(),
              number(),
              list(this::text),
              new MemberEnd(
                  random.nextBoolean() ? MemberEnd.Kind.LEFT : MemberEnd.Kind.EXPIRED, text()));
      case 11 -> new GroupCommand.ReplaceClassic(big(), text(), number(), text(), classic());
      default -> new GroupCommand.ForgetTopic(big(), topicId());
    };
  }

  private ClassicMember classic() {
    return new ClassicMember(
        text(),
        text(),
        text(),
        text(),
        positive(),
        positive(),
        list(this::text),
        opaque(),
        opaque(),
        partitions(random.nextInt(3)));
  }

  private Opaque opaque() {
    byte[] bytes = new byte[random.nextInt(20)];
    random.nextBytes(bytes);
    return Opaque.of(bytes);
  }

  private GroupAnswer answer() {
    return switch (random.nextInt(4)) {
      case 0 -> new GroupAnswer.Joined(member(), text());
      case 1 -> new GroupAnswer.Done();
      case 2 -> {
        TreeMap<PartitionId, ApiError> refused = new TreeMap<>();
        partitions(random.nextInt(3)).forEach(partition -> refused.put(partition, error()));
        yield new GroupAnswer.Committed(offsets(), refused);
      }
      default -> new GroupAnswer.Rejected(error());
    };
  }

  private GroupReport report() {
    TreeMap<String, MemberState> members = new TreeMap<>();
    TreeMap<String, Long> lastSeen = new TreeMap<>();
    TreeMap<String, Boolean> attached = new TreeMap<>();
    for (MemberState member : list(this::member)) {
      members.put(member.id(), member);
      attached.put(member.id(), random.nextBoolean());
    }
    for (String member : members.keySet()) {
      if (random.nextBoolean()) {
        lastSeen.put(member, 1 + Math.abs(big() / 2));
      }
    }
    TreeMap<String, KnownTopic> topics = new TreeMap<>();
    list(this::topic).forEach(topic -> topics.put(topic.name(), topic));
    return new GroupReport(
        new GroupState(
            text(),
            any(GroupState.Phase.values()),
            any(GroupState.Kind.values()),
            number(),
            text(),
            big(),
            members,
            topics,
            offsets()),
        number(),
        lastSeen,
        attached);
  }

  MemberStateRecord memberRecord() {
    return GroupParts.member(member());
  }

  private MemberState member() {
    TreeMap<PartitionId, OwnedPartition> owned = new TreeMap<>();
    partitions(random.nextInt(4))
        .forEach(
            partition ->
                owned.put(
                    partition,
                    new OwnedPartition(number(), random.nextBoolean(), random.nextBoolean())));
    return new MemberState(text(), text(), number(), details(), owned);
  }

  private MemberDetails details() {
    return new MemberDetails(
        text(),
        text(),
        number(),
        big(),
        list(this::text),
        text(),
        any(Assignor.values()),
        positive(),
        positive());
  }

  private TopicsSeen seen() {
    TreeMap<String, List<String>> matches = new TreeMap<>();
    list(this::text).forEach(pattern -> matches.put(pattern, list(this::text)));
    return new TopicsSeen(positive(), list(this::topic), matches);
  }

  private KnownTopic topic() {
    return new KnownTopic(topicId(), text(), number());
  }

  private TreeMap<PartitionId, CommittedOffset> offsets() {
    TreeMap<PartitionId, CommittedOffset> offsets = new TreeMap<>();
    partitions(random.nextInt(4))
        .forEach(
            partition ->
                offsets.put(
                    partition, new CommittedOffset(positive(), epoch(), text(), positive())));
    return offsets;
  }

  private OffsetCommit commit() {
    return new OffsetCommit(partition(), positive(), epoch(), text(), random.nextBoolean());
  }

  private ApiError error() {
    return new ApiError(
        any(ErrorReason.values()),
        text(),
        random.nextBoolean(),
        random.nextBoolean() ? ApiError.NO_RETRY : positive(),
        Map.of(text(), text()));
  }

  TreeSet<PartitionId> partitions(int count) {
    TreeSet<PartitionId> all = new TreeSet<>();
    for (int i = 0; i < count; i++) {
      all.add(partition());
    }
    return all;
  }

  private PartitionId partition() {
    return new PartitionId(topicId(), random.nextInt(10_000));
  }

  private TopicId topicId() {
    return new TopicId(random.nextLong(), random.nextLong());
  }

  private int epoch() {
    return random.nextInt(4) == 0 ? -1 : random.nextInt(Integer.MAX_VALUE);
  }

  private int number() {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> Integer.MAX_VALUE;
      case 2 -> -1;
      default -> random.nextInt(1_000);
    };
  }

  private long big() {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> Long.MAX_VALUE;
      case 2 -> -1;
      default -> random.nextLong();
    };
  }

  private long positive() {
    return random.nextInt(4) == 0 ? Long.MAX_VALUE : random.nextInt(1_000_000);
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(12);
    for (int i = 0; i < length; i++) {
      text.appendCodePoint(
          random.nextInt(4) == 0 ? 0x1F300 + random.nextInt(100) : 'a' + random.nextInt(26));
    }
    return text.toString();
  }

  private <T> List<T> list(Supplier<T> one) {
    List<T> all = new ArrayList<>();
    int count = random.nextInt(4);
    for (int i = 0; i < count; i++) {
      all.add(one.get());
    }
    return all;
  }

  private <T> T any(T[] values) {
    return values[random.nextInt(values.length)];
  }
}
