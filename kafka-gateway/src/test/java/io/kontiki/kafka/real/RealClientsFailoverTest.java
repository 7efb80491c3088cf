package io.kontiki.kafka.real;

import io.kontiki.broker.ProcessNodes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.TopicPartitionInfo;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/**
 * Three brokers in processes of their own, clients in theirs, several side by side; once each of
 * them writes and reads, one broker is killed without a word, and they have to go on: whatever was
 * acknowledged is read. What cannot be brought is skipped, with a line that says so. With
 * -Dkontiki.client='kafkajs|sarama' only those play in whose names that is found.
 */
class RealClientsFailoverTest {
  private static final Pattern ONLY = Pattern.compile(System.getProperty("kontiki.client", ""));
  @TempDir static Path dir;
  private static ProcessNodes nodes;
  private static ClientPrograms programs;

  @BeforeAll
  static void start() {
    nodes = new ProcessNodes(dir);
    programs = new ClientPrograms(dir);
  }

  @AfterAll
  static void stop() {
    nodes.close();
  }

  @TestFactory
  Stream<DynamicTest> clientsOfToday() throws Exception {
    return play(1, RealClientList.TODAY);
  }

  @TestFactory
  Stream<DynamicTest> javaClientsOfTheYearsBefore() throws Exception {
    return play(2, RealClientList.OLD_JAVAS);
  }

  @TestFactory
  Stream<DynamicTest> clientsInOtherLanguages() throws Exception {
    return play(3, RealClientList.OTHERS);
  }

  @TestFactory
  Stream<DynamicTest> kafkasToolsStreamsAndConnect() throws Exception {
    return play(1, RealClientList.TOOLS);
  }

  private static Stream<DynamicTest> play(int victim, List<RealClient> clients) throws Exception {
    Path flag = dir.resolve("killed-" + clients.get(0).topic());
    Map<RealClient, ClientPrograms.Running> running = new LinkedHashMap<>();
    List<DynamicTest> tests = new ArrayList<>();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()))) {
      for (RealClient client : clients) {
        if (!ONLY.matcher(client.name()).find()) {
          continue;
        }
        try {
          List<String> command =
              client.command().of(programs, nodes.bootstrap(), client.topic(), flag.toString());
          if (!client.own()) {
            admin
                .createTopics(List.of(new NewTopic(client.topic(), 3, (short) 3)))
                .all()
                .get(30, TimeUnit.SECONDS);
          }
          running.put(client, programs.begin(command, ""));
        } catch (TestAbortedException e) {
          tests.add(
              DynamicTest.dynamicTest(
                  client.name(),
                  () -> {
                    throw e;
                  }));
        }
      }
      for (ClientPrograms.Running one : running.values()) {
        Awaitility.await()
            .atMost(Duration.ofSeconds(120))
            .until(() -> one.output().contains("half") || !one.alive());
      }
      nodes.kill(victim);
      Files.createFile(flag);
      running.forEach(
          (client, one) -> {
            ClientPrograms.Ran ran = one.ended(180);
            tests.add(DynamicTest.dynamicTest(client.name(), ran::passed));
          });
      nodes.start(victim);
      nodes.awaitReady(victim);
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .ignoreException(ExecutionException.class)
          .until(() -> inSync(admin));
    } finally {
      running.values().forEach(ClientPrograms.Running::close);
    }
    return tests.stream();
  }

  /** Whether the next one can be killed: all replicas of all topics hold what was acknowledged. */
  private static boolean inSync(Admin admin) throws Exception {
    for (TopicDescription topic :
        admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get().values()) {
      for (TopicPartitionInfo partition : topic.partitions()) {
        if (partition.isr().size() < partition.replicas().size()) {
          return false;
        }
      }
    }
    return true;
  }
}
