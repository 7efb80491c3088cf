package io.kontiki.kafka.real;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.ProcessNodes;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The coordinator of a group dies under it, without a word. */
class GroupFailoverTest {
  @Test
  void consumersGoOnWhenTheirCoordinatorIsKilled(@TempDir Path dir) throws Exception {
    ClientPrograms programs = new ClientPrograms(dir);
    try (ProcessNodes nodes = new ProcessNodes(dir)) {
      String group = "failover";
      List<String> command =
          programs.java(
              "4.4.0",
              GroupRun.class,
              nodes.bootstrap(),
              group,
              "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
              "5");
      try (ClientPrograms.Running client = programs.begin(command, "")) {
        Awaitility.await()
            .atMost(Duration.ofSeconds(150))
            .until(() -> client.output().contains("half") || !client.alive());
        assertTrue(client.alive(), client::said);
        int coordinator;
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", nodes.bootstrap()))) {
          coordinator =
              admin
                  .describeConsumerGroups(List.of(group))
                  .all()
                  .get(30, TimeUnit.SECONDS)
                  .get(group)
                  .coordinator()
                  .id();
        }
        nodes.kill(coordinator);
        client.end(240).passed();
      }
    }
  }
}
