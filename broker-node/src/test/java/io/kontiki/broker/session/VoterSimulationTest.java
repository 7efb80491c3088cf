package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.VoterCluster.Disk;
import io.kontiki.broker.session.VoterCluster.Entry;
import io.kontiki.broker.session.VoterCluster.Node;
import io.kontiki.broker.session.VoterCluster.Violation;
import io.kontiki.metadata.MetadataCommand.AllocateProducerIds;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Voters that come late, stop, lose their disk and meet the old one again, with messages late and
 * lost (M15, M16): one cluster id, and nothing that was committed is ever lost.
 */
class VoterSimulationTest {
  private static final long ROUND_MS = 700;

  @Test
  void nothingCommittedIsLostAndOneClusterForms() {
    int losses = 0;
    for (long seed = 1; seed <= 300; seed++) {
      losses += play(seed, seed % 4 == 0 ? 5 : 3, false);
    }
    assertTrue(losses > 500, "only " + losses + " disks were lost");
  }

  /** N8: without M16 the simulation must find a loss. */
  @Test
  void aVoterThatStartsAtOnceAfterItLostItsDiskLosesWhatWasCommittedN8() {
    for (long seed = 1; seed <= 300; seed++) {
      try {
        play(seed, 3, true);
      } catch (AssertionError found) {
        if (found.getCause() instanceof Violation) {
          return;
        }
      }
    }
    throw new AssertionError("no run of 300 lost anything");
  }

  /** One seed, for whoever looks for what this test notices. */
  static void playSeed(long seed) {
    play(seed, seed % 4 == 0 ? 5 : 3, false);
  }

  private static int play(long seed, int size, boolean naive) {
    VoterCluster cluster = new VoterCluster(seed, size);
    try {
      return new Game(cluster, naive).play();
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + seed + ", " + size + " voters: " + e.getMessage(), e);
    }
  }

  private static final class Game {
    private final VoterCluster cluster;
    private int losses;

    Game(VoterCluster cluster, boolean naive) {
      this.cluster = cluster;
      cluster.naive = naive;
    }

    int play() {
      cluster.loss = cluster.random.nextInt(3) * 0.1;
      for (int round = 0; round < 60; round++) {
        write();
        disturb();
        cluster.run(cluster.ms + cluster.random.nextInt((int) ROUND_MS));
      }
      recover();
      return losses;
    }

    private void write() {
      for (Node node : cluster.nodes.values()) {
        if (node.up && node.leads && node.image.formed()) {
          Entry entry = new Entry(node.disk.term, null, new AllocateProducerIds(0, false, 1));
          node.propose(entry, done -> {});
        }
      }
    }

    private void disturb() {
      List<Node> all = List.copyOf(cluster.nodes.values());
      Node node = all.get(cluster.random.nextInt(all.size()));
      switch (cluster.random.nextInt(6)) {
        case 0, 1 -> {
          if (!node.up) {
            node.start();
          }
        }
        case 2 -> {
          if (node.up) {
            node.stop();
          }
        }
        case 3 -> {
          // No majority loses its disks: nobody else is on its way back, or has never voted.
          if (cluster.whole()) {
            losses++;
            if (node.up) {
              node.stop();
            }
            if (cluster.random.nextBoolean()) {
              Node ghost = cluster.new Node(node.id, node.disk);
              cluster.ghosts.add(ghost);
              ghost.start();
            }
            node.disk = new Disk(cluster.uid());
            node.image = io.kontiki.metadata.ClusterImage.EMPTY;
            if (cluster.random.nextBoolean()) {
              node.start();
            }
            // In the middle of what follows, another one stops, and one comes that was away.
            for (Node other : all) {
              if (other != node && cluster.random.nextBoolean()) {
                if (other.up) {
                  other.stop();
                } else {
                  other.start();
                }
              }
            }
          }
        }
        case 4 -> all.stream().filter(one -> !one.up).forEach(Node::start);
        default -> {
          if (!cluster.ghosts.isEmpty()) {
            cluster.ghosts.remove(0).stop();
          }
        }
      }
    }

    /** All up, nothing lost: everybody votes with the disk that it has. */
    private void recover() {
      cluster.loss = 0;
      cluster.ghosts.forEach(Node::stop);
      cluster.nodes.values().stream().filter(node -> !node.up).forEach(Node::start);
      long limit = cluster.ms + 60_000;
      while (!cluster.whole() && cluster.ms < limit) {
        cluster.run(cluster.ms + 500);
      }
      assertTrue(cluster.whole(), () -> "not all vote: " + cluster);
      long before = cluster.committedEntries();
      while (cluster.committedEntries() == before && cluster.ms < limit) {
        write();
        cluster.run(cluster.ms + 500);
      }
      assertTrue(cluster.committedEntries() > before, "nothing is committed any more");
      cluster.run(cluster.ms + 5_000);
      cluster
          .nodes
          .values()
          .forEach(node -> assertEquals(cluster.newest().clusterId(), node.image.clusterId()));
    }
  }
}
