package io.kontiki.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.cli.local.LocalCluster;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole story, on processes that look like brokers. */
final class DemoTest implements Demo.Story {
  private final StringBuilder told = new StringBuilder();

  @TempDir private Path dir;

  @Override
  public void tell(String line) {
    told.append("- ").append(line).append('\n');
  }

  @Override
  public void show(String lines) {
    told.append(lines);
  }

  @SuppressWarnings("try") // closed early, to see that nobody is left
  private boolean run(boolean losesRecords) throws IOException {
    try (FakeCluster backend = new FakeCluster(losesRecords);
        LocalCluster cluster =
            new LocalCluster(
                Demo.NODES, dir, LocalCluster.freeBasePort(Demo.NODES), backend.program())) {
      boolean passed = new Demo(cluster, this).run();
      cluster.close();
      cluster.nodes().forEach(node -> assertFalse(node.isAlive()));
      return passed;
    }
  }

  @Test
  void aClusterThatKeepsItsPromisesPasses() throws IOException {
    assertTrue(run(false), told::toString);
    String story = told.toString();
    for (String expected :
        new String[] {
          "- quorum 'metadata' formed: node 1 leads 3 members in term 2",
          "- SIGKILL to node 1 (pid ",
          "leader of partition 0, who also leads the metadata quorum",
          "- node 2 leads partition 0 in epoch 1 (before: node 1, epoch 0)",
          "PARTITION  LEADER  EPOCH   ISR",
          "1 -> 2  0 -> 1  2,3",
          "- node 1 started again: pid ",
          "- node 1 has caught up",
          "lost, doubled, out of order   0",
          "; longest time without an acknowledgement: "
        }) {
      assertTrue(story.contains(expected), () -> expected + "\n" + story);
    }
  }

  @Test
  void aClusterThatLosesAnAcknowledgedRecordFails() throws IOException {
    assertFalse(run(true), told::toString);
    assertTrue(told.toString().contains("was acknowledged"), told::toString);
    assertEquals(-1, told.indexOf("lost, doubled, out of order   0\n"), told::toString);
  }
}
