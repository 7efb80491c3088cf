package io.kontiki.broker.coordinator;

import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.MemberState;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.PartitionId;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Completion;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of all members of a shard (rule G3), and the time that each may take to give up
 * partitions (rule G2). What it decides are commands that carry the epoch it judged.
 */
final class MemberSessions {
  private final Clock clock;
  private final CoordinatorTiming timing;
  private final BiConsumer<GroupCommand, Completion<ProposalQueue.End>> proposals;
  private final TreeMap<String, TreeMap<String, Session>> groups = new TreeMap<>();
  private final TreeSet<Session> due =
      new TreeSet<>(
          Comparator.<Session>comparingLong(session -> session.dueAt)
              .thenComparing(Comparator.naturalOrder()));
  private int count;

  MemberSessions(
      Clock clock,
      CoordinatorTiming timing,
      BiConsumer<GroupCommand, Completion<ProposalQueue.End>> proposals) {
    this.clock = clock;
    this.timing = timing;
    this.proposals = proposals;
  }

  void clear() {
    groups.clear();
    due.clear();
    count = 0;
  }

  int count() {
    return count;
  }

  @Nullable Session find(String group, String memberId) {
    TreeMap<String, Session> members = groups.get(group);
    return members == null ? null : members.get(memberId);
  }

  /** Of a group, by id. */
  SortedMap<String, Session> of(String group) {
    TreeMap<String, Session> members = groups.get(group);
    return members == null ? new TreeMap<>() : members;
  }

  /** Groups that have members. */
  Iterable<String> groups() {
    return List.copyOf(groups.keySet());
  }

  /** The member as applied; a new one has until its broker has claimed it. */
  Session update(String group, MemberState member) {
    long now = clock.nanoTime();
    Session session = find(group, member.id());
    if (session == null) {
      session = new Session(group, member);
      session.expiresAt = now + timing.silence() + session.sessionNanos();
      session.why = "no broker holds its stream";
      groups.computeIfAbsent(group, name -> new TreeMap<>()).put(member.id(), session);
      count++;
    }
    session.update(member, now);
    schedule(session);
    return session;
  }

  /** The member is no more. */
  @Nullable Session remove(String group, String memberId) {
    TreeMap<String, Session> members = groups.get(group);
    Session session = members == null ? null : members.remove(memberId);
    if (session != null) {
      count--;
      due.remove(session);
      session.dueAt = Session.NEVER;
      unlink(session);
    }
    if (members != null && members.isEmpty()) {
      groups.remove(group);
    }
    return session;
  }

  /** Its broker says that it holds the stream. */
  void attach(Session session, BrokerLink link) {
    unlink(session);
    session.link = link;
    link.members.add(session);
    session.spared = false;
    if (!session.fenced) {
      session.expiresAt = Session.NEVER;
    }
    schedule(session);
  }

  /**
   * Nobody holds its stream any more.
   *
   * @param from since when its session runs
   */
  void detach(Session session, long from, String why) {
    unlink(session);
    if (!session.fenced) {
      session.expiresAt = from + session.sessionNanos();
      session.why = why;
    }
    schedule(session);
  }

  /** Its broker says that its stream is gone: its session runs from now, all of it. */
  void abandon(Session session) {
    detach(session, clock.nanoTime(), "its stream is gone");
    session.spared = true;
  }

  private static void unlink(Session session) {
    BrokerLink link = session.link;
    if (link != null) {
      link.members.remove(session);
      link.dirty.remove(session);
      session.link = null;
    }
  }

  /**
   * A fence, or a newer process of its broker, ends a membership at once, unless its stream had
   * ended before.
   */
  void judgeBrokers(ClusterImage image) {
    for (TreeMap<String, Session> members : groups.values()) {
      members.values().forEach(session -> judgeBroker(session, image));
    }
  }

  /** The same of one member. */
  void judgeBroker(Session session, ClusterImage image) {
    MemberDetails details = session.member.details();
    BrokerImage broker = image.brokers().get(details.brokerId());
    String why = "";
    if (broker == null || broker.epoch() > details.brokerEpoch()) {
      why = "broker " + details.brokerId() + " has started anew, or is not registered any more";
    } else if (broker.epoch() == details.brokerEpoch() && !broker.unfenced()) {
      why = "broker " + details.brokerId() + " was fenced";
    }
    if (broker != null
        && broker.epoch() == details.brokerEpoch()
        && broker.state() == BrokerImage.State.STOPPING
        && session.link == null) {
      session.spared = true; // whoever coordinated before may have been told
    }
    if (why.isEmpty()) {
      if (session.fenced) { // taken up by another broker since
        session.fenced = false;
        session.expiresAt = clock.nanoTime() + timing.silence() + session.sessionNanos();
      }
    } else if (!session.fenced && !(session.spared && session.link == null)) {
      session.fenced = true;
      session.why = why;
      session.expiresAt = clock.nanoTime();
    }
    schedule(session);
  }

  private void schedule(Session session) {
    due.remove(session);
    session.dueAt = session.nextDue();
    if (session.dueAt != Session.NEVER) {
      due.add(session);
    }
  }

  /** Proposes what is due. */
  void judge(AppliedGroups applied) {
    long now = clock.nanoTime();
    while (!due.isEmpty() && due.first().dueAt <= now) {
      Session session = due.first();
      GroupImage group = applied.group(session.group);
      MemberState member = group == null ? null : group.members().get(session.memberId);
      if (member == null) {
        remove(session.group, session.memberId); // its end is about to be told
        continue;
      }
      if (!session.expiring && (session.fenced || session.link == null)) {
        if (session.expiresAt <= now) {
          expire(session, member.epoch());
        }
      }
      List<PartitionId> overdue = session.overdue(now);
      if (!session.releasing && !overdue.isEmpty()) {
        release(session, member.epoch(), overdue);
      }
      schedule(session);
    }
  }

  private void expire(Session session, int epoch) {
    session.expiring = true;
    proposals.accept(
        new GroupCommand.ExpireMember(
            clock.wallMs(), session.group, session.memberId, epoch, session.why),
        end -> {
          session.expiring = false;
          again(session);
        });
  }

  private void release(Session session, int epoch, List<PartitionId> partitions) {
    session.releasing = true;
    proposals.accept(
        new GroupCommand.ReleasePartitions(
            clock.wallMs(), session.group, session.memberId, epoch, partitions, true),
        end -> {
          session.releasing = false;
          again(session);
        });
  }

  /** If it is still there, it is judged anew: its epoch may have been another by then. */
  private void again(Session session) {
    if (find(session.group, session.memberId) == session) {
      long soon = clock.nanoTime() + timing.tick();
      session.revokeAt.replaceAll((partition, at) -> Math.max(at, soon));
      if (session.expiresAt != Session.NEVER) {
        session.expiresAt = Math.max(session.expiresAt, soon);
      }
      schedule(session);
    }
  }
}
