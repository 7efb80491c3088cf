package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.OffsetListing;
import io.kontiki.broker.api.PageToken;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Description;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.api.TopicLookup;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupState;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberState;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Lists, describes, resets and deletes groups. Stateless; any loop. */
public final class GroupAdmin {
  /** Most lines of a list. */
  public static final int MAX_PAGE = 10_000;

  private static final long DESCRIBE_NANOS = 1_000_000_000;

  private final Groups groups;
  private final Metadata metadata;
  private final PartitionRequests partitions;
  private final OffsetResets resets;

  /**
   * A page of the list.
   *
   * @param nextToken empty: it was the last
   */
  public record Page(List<GroupLine> groups, String nextToken) {}

  /**
   * A partition that is owned or has a committed offset.
   *
   * @param committed null: nothing
   * @param highWatermark -1: its leader did not answer, or does not know it yet
   * @param lag what is not committed yet; -1 as before
   * @param memberId the owner; empty: none
   */
  public record PartitionLine(
      String topic,
      int partition,
      @Nullable CommittedOffset committed,
      long highWatermark,
      long lag,
      String memberId) {}

  /**
   * A group and what the leaders of its partitions say.
   *
   * @param topicNames of all topics that its members own partitions of
   * @param partitions by topic and number
   */
  public record Described(
      GroupReport report, TreeMap<TopicId, String> topicNames, List<PartitionLine> partitions) {}

  public GroupAdmin(Groups groups, Metadata metadata, PartitionRequests partitions) {
    this.groups = groups;
    this.metadata = metadata;
    this.partitions = partitions;
    this.resets =
        new OffsetResets(
            groups, new OffsetListing(metadata, partitions, new GroupOffsets(groups)), partitions);
  }

  /**
   * Groups by name.
   *
   * @param pageSize 0: {@link #MAX_PAGE}
   * @param pageToken empty: the first page
   */
  public void list(
      CallContext call, int pageSize, String pageToken, Completion<Result<Page>> completion) {
    ApiError bad = PageToken.refusal(pageSize, pageToken);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    String after = PageToken.name(pageToken).orElseThrow();
    int size = pageSize == 0 ? MAX_PAGE : Math.min(pageSize, MAX_PAGE);
    groups.list(call, all -> completion.complete(all.map(lines -> page(lines, size, after))));
  }

  private static Page page(List<GroupLine> all, int size, String after) {
    TreeMap<String, GroupLine> rest = new TreeMap<>();
    for (GroupLine line : all) {
      if (line.group().compareTo(after) > 0) {
        rest.put(line.group(), line);
      }
    }
    List<GroupLine> page = rest.values().stream().limit(size).toList();
    return new Page(page, rest.size() > size ? PageToken.after(page.get(size - 1).group()) : "");
  }

  /** A group with its lag, as far as leaders tell it in time. */
  public void describe(CallContext call, String group, Completion<Result<Described>> completion) {
    ApiError bad = SubscriptionCheck.badName("group", group);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    groups.describe(
        call,
        group,
        found -> {
          if (found instanceof Result.Ok<GroupReport> ok) {
            measure(call, ok.value(), completion);
          } else {
            completion.complete(Result.error(((Result.Err<GroupReport>) found).error()));
          }
        });
  }

  private void measure(
      CallContext call, GroupReport report, Completion<Result<Described>> completion) {
    GroupState state = report.state();
    TreeMap<PartitionId, String> owners = new TreeMap<>();
    for (MemberState member : state.members().values()) {
      member.owned().keySet().forEach(partition -> owners.put(partition, member.id()));
    }
    TreeMap<TopicId, String> names = names(state);
    TreeSet<PartitionId> all = new TreeSet<>(owners.keySet());
    all.addAll(state.offsets().keySet());
    // A topic that nobody knows is deleted; its offsets are about to go (G8).
    all.removeIf(partition -> !names.containsKey(partition.topicId()));
    List<PartitionId> ids = new ArrayList<>(all);
    long deadline = call.atMost(DESCRIBE_NANOS);
    Gather.all(
        call.loop(),
        ids.size(),
        i -> new Description(ids.get(i), false, 0, -1),
        (i, answer) -> partitions.describe(ids.get(i), deadline, answer),
        ends -> {
          List<PartitionLine> lines = new ArrayList<>();
          for (int i = 0; i < ids.size(); i++) {
            PartitionId id = ids.get(i);
            lines.add(
                line(
                    names.getOrDefault(id.topicId(), ""),
                    ends.get(i),
                    state.offsets().get(id),
                    owners.getOrDefault(id, "")));
          }
          lines.sort(
              Comparator.comparing(PartitionLine::topic)
                  .thenComparingInt(PartitionLine::partition));
          completion.complete(Result.ok(new Described(report, names, lines)));
        });
  }

  private TreeMap<TopicId, String> names(GroupState state) {
    TreeMap<TopicId, String> names = new TreeMap<>();
    for (KnownTopic topic : state.topics().values()) {
      names.put(topic.id(), topic.name());
    }
    ClusterImage image = metadata.image();
    TreeSet<PartitionId> partitions = new TreeSet<>(state.offsets().keySet());
    state.members().values().forEach(member -> partitions.addAll(member.owned().keySet()));
    for (PartitionId partition : partitions) {
      TopicImage topic = image.topics().get(partition.topicId());
      if (topic != null) {
        names.put(topic.id(), topic.name());
      }
    }
    return names;
  }

  private static PartitionLine line(
      String topic, Description end, @Nullable CommittedOffset committed, String owner) {
    long highWatermark = end.known() ? end.highWatermark() : -1;
    long from = committed == null ? end.logStartOffset() : committed.offset();
    return new PartitionLine(
        topic,
        end.partition().partition(),
        committed,
        highWatermark,
        highWatermark < 0 ? -1 : Math.max(0, highWatermark - from),
        owner);
  }

  /**
   * Sets committed offsets of a group without members.
   *
   * @param wanted empty: all partitions
   * @param completion what is committed now
   */
  public void reset(
      CallContext call,
      String group,
      String topic,
      List<Integer> wanted,
      StartSpec to,
      Completion<Result<List<OffsetListing.Listed>>> completion) {
    choose(
        call,
        group,
        topic,
        wanted,
        chosen -> {
          if (chosen instanceof Result.Ok<Chosen> ok) {
            resets.reset(call, group, ok.value().topic(), ok.value().numbers(), to, completion);
          } else {
            completion.complete(Result.error(((Result.Err<Chosen>) chosen).error()));
          }
        });
  }

  /**
   * Deletes committed offsets of partitions that nobody in the group is subscribed to.
   *
   * @param wanted empty: all partitions
   */
  public void deleteOffsets(
      CallContext call,
      String group,
      String topic,
      List<Integer> wanted,
      Completion<Result<GroupAnswer>> completion) {
    choose(
        call,
        group,
        topic,
        wanted,
        chosen -> {
          if (chosen instanceof Result.Ok<Chosen> ok) {
            TopicId id = ok.value().topic().id();
            submit(
                groups,
                call,
                new GroupCommand.DeleteOffsets(
                    call.loop().clock().wallMs(),
                    group,
                    ok.value().numbers().stream().map(n -> new PartitionId(id, n)).toList(),
                    List.of(topic)),
                completion);
          } else {
            completion.complete(Result.error(((Result.Err<Chosen>) chosen).error()));
          }
        });
  }

  /** Deletes a group without members, with its offsets. */
  public void delete(CallContext call, String group, Completion<Result<GroupAnswer>> completion) {
    ApiError bad = SubscriptionCheck.badName("group", group);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    submit(
        groups,
        call,
        new GroupCommand.DeleteGroup(call.loop().clock().wallMs(), group),
        completion);
  }

  /** Submits a command; a rejection is an error. */
  static void submit(
      Groups groups,
      CallContext call,
      GroupCommand command,
      Completion<Result<GroupAnswer>> completion) {
    groups.submit(
        call,
        command,
        answer ->
            completion.complete(
                answer.fold(
                    done ->
                        done instanceof GroupAnswer.Rejected rejected
                            ? Result.error(rejected.error())
                            : Result.ok(done),
                    Result::error)));
  }

  private record Chosen(TopicImage topic, List<Integer> numbers) {}

  /** By the quorum's view: an old image could name a topic that was made again meanwhile. */
  private void choose(
      CallContext call,
      String group,
      String topic,
      List<Integer> wanted,
      Completion<Result<Chosen>> completion) {
    ApiError badGroup = SubscriptionCheck.badName("group", group);
    ApiError bad = badGroup != null ? badGroup : Refusals.badTopicName("topic", topic);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    TopicLookup.image(
        metadata,
        call,
        null,
        read ->
            completion.complete(read.fold(image -> chosen(image, topic, wanted), Result::error)));
  }

  private static Result<Chosen> chosen(ClusterImage image, String name, List<Integer> wanted) {
    TopicImage topic = image.topic(name);
    if (topic == null) {
      return Result.error(Refusals.topicNotFound(name));
    }
    TreeSet<Integer> numbers = new TreeSet<>(wanted);
    for (int i = 0; wanted.isEmpty() && i < topic.partitions().size(); i++) {
      numbers.add(i);
    }
    for (int number : numbers) {
      if (number < 0) {
        return Result.error(Refusals.invalidField("partitions", number + " is negative"));
      }
      if (number >= topic.partitions().size()) {
        return Result.error(Refusals.partitionNotFound(name, number, topic.partitions().size()));
      }
    }
    return Result.ok(new Chosen(topic, new ArrayList<>(numbers)));
  }

  /** A group's offset that is missing. */
  static ApiError notCommitted(String group, String topic, int partition) {
    return ApiError.definite(
            ErrorReason.NO_COMMITTED_OFFSET,
            "group '"
                + group
                + "' has committed nothing of partition "
                + partition
                + " of topic '"
                + topic
                + "'")
        .with("group", group)
        .with("topic", topic)
        .with("partition", partition);
  }
}
