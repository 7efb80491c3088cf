package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.cluster.Target;
import io.kontiki.cli.admin.AdminClient;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.HttpAnswer;
import io.kontiki.cli.admin.HttpClient;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.admin.NoAnswerException;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.TreeSet;

/** Who does what in the cluster, and whether all is well. Asks the nodes each time. */
final class Roles {
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration PAGE_PATIENCE = Duration.ofSeconds(3);

  private final Target target;
  private final List<Log> logs;
  private final int replicas;
  private final HttpClient http = new HttpClient();
  private final AdminClient admin;

  /**
   * @param logs all partitions
   * @param replicas of each
   */
  Roles(Target target, List<Log> logs, int replicas) {
    this.target = target;
    this.logs = logs;
    this.replicas = replicas;
    this.admin = new AdminClient(target.ids().stream().map(target::http).toList(), null, PATIENCE);
  }

  AdminClient admin() {
    return admin;
  }

  /** Who leads each partition; those that nobody leads, as far as is known, are left out. */
  Map<Log, Integer> leaders() {
    Map<Log, Integer> leaders = new TreeMap<>();
    TreeSet<String> topics = new TreeSet<>();
    logs.forEach(log -> topics.add(log.topic()));
    for (String topic : topics) {
      for (JsonObject partition : partitions(topic)) {
        if (partition.has("leader")) {
          leaders.put(
              new Log(topic, (int) partition.number("partition")),
              (int) partition.number("leader"));
        }
      }
    }
    return leaders;
  }

  private List<JsonObject> partitions(String topic) {
    try {
      return admin
          .call("DescribeTopic", new JsonObject().with("name", topic), true, Deadline.in(PATIENCE))
          .object("topic")
          .objects("partitions");
    } catch (AdminError | CliException e) {
      return List.of();
    }
  }

  /** Who leads the metadata; empty if nobody says. */
  OptionalInt metadataLeader() {
    try {
      JsonObject cluster =
          admin.call("DescribeCluster", new JsonObject(), true, Deadline.in(PATIENCE));
      return cluster.has("controllerId")
          ? OptionalInt.of((int) cluster.number("controllerId"))
          : OptionalInt.empty();
    } catch (AdminError | CliException e) {
      return OptionalInt.empty();
    }
  }

  /** Why not every node is ready and every replica in sync; empty if it is so. */
  String unwell() {
    for (int id : target.ids()) {
      String why = unreadiness(id);
      if (!why.isEmpty()) {
        return why;
      }
    }
    Map<Log, Long> inSync = new TreeMap<>();
    TreeSet<String> topics = new TreeSet<>();
    logs.forEach(log -> topics.add(log.topic()));
    for (String topic : topics) {
      for (JsonObject partition : partitions(topic)) {
        if (partition.has("leader")) {
          inSync.put(
              new Log(topic, (int) partition.number("partition")),
              (long) partition.list("isr").size());
        }
      }
    }
    for (Log log : logs) {
      long size = inSync.getOrDefault(log, 0L);
      if (size < replicas) {
        return log + " has " + size + " replicas in sync of " + replicas;
      }
    }
    return metadataLeader().isEmpty() ? "nobody leads the metadata" : "";
  }

  /** Why a node is not ready; empty if it is. */
  String unreadiness(int id) {
    try {
      HttpAnswer answer = http.get(target.http(id), "/readyz", Deadline.in(PAGE_PATIENCE));
      return answer.status() == 200
          ? ""
          : "node " + id + ": /readyz says " + answer.status() + " " + answer.body().strip();
    } catch (NoAnswerException e) {
      return "node " + id + ": /readyz: " + e.getMessage();
    }
  }

  /** Waits; why not even then, empty if all is well. */
  String awaitWell(Duration atMost) {
    Deadline deadline = Deadline.in(atMost);
    while (true) {
      String why = unwell();
      if (why.isEmpty() || deadline.hasPassed()) {
        return why;
      }
      deadline.pause(100);
    }
  }
}
