package io.kontiki.broker.api;

import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.raft.RaftGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * The cluster at a glance.
 *
 * @param controllerId broker that leads the metadata quorum, or {@link RaftGroup#NO_NODE}
 * @param underReplicated partitions with fewer in-sync replicas than replicas
 * @param underMinIsr partitions that refuse acks=all
 * @param offline partitions without a leader
 * @param problems what needs a person, one sentence each
 */
public record ClusterSummary(
    ClusterImage image,
    int controllerId,
    int fencedBrokers,
    int partitions,
    int underReplicated,
    int underMinIsr,
    int offline,
    List<String> problems) {

  /** Counts and judges. */
  static ClusterSummary of(ClusterImage image, RaftGroup.RaftStatus quorum) {
    Counter counter = new Counter();
    for (TopicImage topic : image.topics().values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        counter.add(topic, i);
      }
    }
    List<String> problems = new ArrayList<>();
    if (quorum.leaderId() == RaftGroup.NO_NODE) {
      problems.add(
          "No leader of the metadata quorum is known: nothing can be changed until "
              + (image.voters().size() / 2 + 1)
              + " of its "
              + image.voters().size()
              + " voters are up and reach each other.");
    }
    int fenced = brokers(image, problems);
    voters(image, quorum, problems);
    counter.tell(problems);
    return new ClusterSummary(
        image,
        quorum.leaderId(),
        fenced,
        counter.partitions,
        counter.underReplicated,
        counter.underMinIsr,
        counter.offline,
        List.copyOf(problems));
  }

  private static int brokers(ClusterImage image, List<String> problems) {
    int fenced = 0;
    for (BrokerImage broker : image.brokers().values()) {
      if (!broker.unfenced()) {
        fenced++;
        problems.add(
            "Broker "
                + broker.id()
                + " ("
                + broker.endpoints().grpc()
                + (broker.wish().fences()
                    ? ") is fenced by an operator, until 'kontiki broker unfence "
                        + broker.id()
                        + "'."
                    : ") is fenced: it is down, starting or cut off."));
      }
    }
    return fenced;
  }

  /** Who is listed as a voter and does not count in the majority, or would not (M15, M16). */
  private static void voters(
      ClusterImage image, RaftGroup.RaftStatus quorum, List<String> problems) {
    TreeSet<Integer> members = new TreeSet<>();
    quorum.voters().forEach(member -> members.add(member.nodeId()));
    for (int member : members) {
      if (!image.voters().containsKey(member)) {
        problems.add(
            "Node "
                + member
                + " is no voter of the metadata quorum any more and still counts in its majority,"
                + " until enough voters are up to take it out.");
      }
    }
    for (VoterImage voter : image.voters().values()) {
      String name =
          "Node " + voter.id() + " (" + voter.raft() + ") is a voter of the metadata quorum ";
      if (voter.directoryId() == null) {
        problems.add(
            name
                + "and has never voted: start it. Until then the loss of another voter's disk can"
                + " cost the cluster its metadata.");
      } else if (!image.brokers().containsKey(voter.id())) {
        problems.add(name + "and was never seen: start it.");
      } else if (!members.isEmpty() && !members.contains(voter.id())) {
        problems.add(name + "and does not vote until it has been taken in again.");
      }
    }
  }

  private static final class Counter {
    private int partitions;
    private int underReplicated;
    private int underMinIsr;
    private int offline;
    private String firstUnderMinIsr = "";
    private String firstOffline = "";
    private String firstUnderReplicated = "";

    void add(TopicImage topic, int number) {
      PartitionImage partition = topic.partitions().get(number);
      String name = topic.name() + "-" + number;
      partitions++;
      if (partition.underReplicated()) {
        firstUnderReplicated = underReplicated++ == 0 ? name : firstUnderReplicated;
      }
      if (partition.leader() == PartitionImage.NO_LEADER) {
        firstOffline = offline++ == 0 ? name : firstOffline;
      }
      if (partition.isr().size() < topic.minIsr(partition)) {
        firstUnderMinIsr = underMinIsr++ == 0 ? name : firstUnderMinIsr;
      }
    }

    void tell(List<String> problems) {
      if (offline > 0) {
        problems.add(
            some(offline, firstOffline, "has no leader", "have no leader")
                + ": neither written nor read until a replica that may lead is up.");
      }
      if (underMinIsr > 0) {
        problems.add(
            some(underMinIsr, firstUnderMinIsr, "has", "have")
                + " fewer in-sync replicas than min.insync.replicas: acks=all is refused.");
      }
      if (underReplicated > 0) {
        problems.add(
            some(underReplicated, firstUnderReplicated, "has", "have")
                + " fewer in-sync replicas than replicas.");
      }
    }

    private static String some(int count, String first, String one, String many) {
      return count == 1
          ? "Partition " + first + " " + one
          : count + " partitions (the first is " + first + ") " + many;
    }
  }
}
