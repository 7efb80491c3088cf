package io.kontiki.broker.coordinator;

import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.group.TopicsSeen;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.TopicId;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * Tells groups of their topics (rules G7, G8, G9): UpdateTopics when what a group subscribes to has
 * changed, ForgetTopic when a topic was deleted.
 */
final class TopicDuty {
  private final Clock clock;
  private final AppliedGroups applied;
  private final MemberSessions sessions;
  private final BiConsumer<GroupCommand, Completion<ProposalQueue.End>> proposals;
  private final TopicWatch watch = new TopicWatch();

  /** What each group with members was told last, by this coordinator. */
  private final TreeMap<String, TopicsSeen> told = new TreeMap<>();

  /** Groups to look at again, because a command failed or the image is too old for them. */
  private final TreeSet<String> again = new TreeSet<>();

  /** Joins on their way, by group. */
  private final TreeMap<String, List<Joining>> joins = new TreeMap<>();

  /** Deleted topics whose end is not applied yet; true: a command is under way. */
  private final TreeMap<TopicId, Boolean> forgetting = new TreeMap<>();

  /** Those of which it is, as long as there is a tombstone. */
  private final TreeSet<TopicId> forgotten = new TreeSet<>();

  private ClusterImage image = ClusterImage.EMPTY;

  /**
   * A join on its way.
   *
   * @param seen the topics of all members, of this one, and of those on their way before it
   */
  record Joining(String group, MemberDetails details, TopicsSeen seen) {}

  TopicDuty(
      Clock clock,
      AppliedGroups applied,
      MemberSessions sessions,
      BiConsumer<GroupCommand, Completion<ProposalQueue.End>> proposals) {
    this.clock = clock;
    this.applied = applied;
    this.sessions = sessions;
    this.proposals = proposals;
  }

  void onLeaderStart(ClusterImage newest) {
    image = newest;
    forget(newest.tombstones().keySet());
    sessions.groups().forEach(again::add);
  }

  void onLeaderStop() {
    told.clear();
    again.clear();
    joins.clear();
    forgetting.clear();
    forgotten.clear();
    image = ClusterImage.EMPTY;
  }

  /**
   * An image that was read after this leadership had begun: what a group knew then and the image
   * does not is deleted, also if nobody saw the tombstone (rule G8).
   */
  void onSettled(ClusterImage newest) {
    TreeSet<TopicId> known = new TreeSet<>();
    for (GroupImage group : applied.groups()) {
      for (KnownTopic topic : group.topics().values()) {
        known.add(topic.id());
      }
      group.offsets().forEach((partition, offset) -> known.add(partition.topicId()));
    }
    known.removeAll(newest.topics().keySet());
    forget(known);
  }

  void onImage(ClusterImage newest) {
    ClusterImage before = image;
    image = newest;
    if (newest.tombstones() != before.tombstones()) {
      forget(newest.tombstones().keySet());
      forgotten.retainAll(newest.tombstones().keySet());
    }
    if (newest.topics() == before.topics()) {
      return;
    }
    // Ids are never used again: what was there and is not was deleted (rule M8).
    TreeSet<TopicId> gone = new TreeSet<>(before.topics().keySet());
    gone.removeAll(newest.topics().keySet());
    forget(gone);
    sessions.groups().forEach(this::look);
  }

  /** Whether something waits for {@link #onTick}, or may come to do so. */
  boolean pending() {
    return !again.isEmpty() || !forgetting.isEmpty() || !told.isEmpty();
  }

  void onTick(ClusterImage newest) {
    if (!again.isEmpty()) {
      List<String> groups = List.copyOf(again);
      again.clear();
      groups.forEach(this::look);
    }
    told.keySet().removeIf(group -> sessions.of(group).isEmpty());
    for (TopicId topic : List.copyOf(forgetting.keySet())) {
      if (!forgetting.getOrDefault(topic, false)) {
        propose(topic);
      }
    }
  }

  private void forget(Iterable<TopicId> topics) {
    for (TopicId topic : topics) {
      if (!forgotten.contains(topic) && !forgetting.containsKey(topic)) {
        propose(topic);
      }
    }
  }

  private void propose(TopicId topic) {
    forgetting.put(topic, true);
    proposals.accept(
        new GroupCommand.ForgetTopic(clock.wallMs(), topic),
        end -> {
          if (end instanceof ProposalQueue.End.Answered) {
            forgetting.remove(topic);
            if (image.tombstones().containsKey(topic)) {
              forgotten.add(topic);
            }
          } else {
            forgetting.replace(topic, false);
          }
        });
  }

  /** Tells a group what its members' topics are now, unless it knows. */
  private void look(String name) {
    GroupImage group = applied.group(name);
    if (group == null || group.members().isEmpty()) {
      return;
    }
    if (image.index() < group.metadataIndex()) {
      again.add(name); // what this node knows is older (rule G7)
      return;
    }
    TopicsSeen seen = watch.seen(image, details(name));
    if (TopicWatch.same(told.get(name), seen)) {
      return;
    }
    told.put(name, seen);
    proposals.accept(
        new GroupCommand.UpdateTopics(clock.wallMs(), name, seen),
        end -> {
          if (!(end instanceof ProposalQueue.End.Answered) && told.remove(name) != null) {
            again.add(name);
          }
        });
  }

  private List<MemberDetails> details(String group) {
    List<MemberDetails> all = new ArrayList<>();
    GroupImage known = applied.group(group);
    if (known != null) {
      for (MemberState member : known.members().values()) {
        all.add(member.details());
      }
    }
    joins.getOrDefault(group, List.of()).forEach(joining -> all.add(joining.details()));
    return all;
  }

  /** Somebody joins; {@link #end} follows. */
  Joining begin(String group, MemberDetails details, ClusterImage newest) {
    List<MemberDetails> all = details(group);
    all.add(details);
    Joining joining = new Joining(group, details, watch.seen(newest, all));
    joins.computeIfAbsent(group, name -> new ArrayList<>()).add(joining);
    return joining;
  }

  /**
   * @param joined whether it did
   */
  void end(Joining joining, boolean joined) {
    List<Joining> waiting = joins.get(joining.group());
    if (waiting != null) {
      waiting.removeIf(one -> one == joining);
      if (waiting.isEmpty()) {
        joins.remove(joining.group());
      }
    }
    if (joined) {
      GroupImage group = applied.group(joining.group());
      if (group != null && joining.seen().metadataIndex() >= group.metadataIndex()) {
        told.put(joining.group(), joining.seen());
      }
      again.add(joining.group());
    }
  }
}
