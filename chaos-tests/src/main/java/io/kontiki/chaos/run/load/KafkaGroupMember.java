package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.History;
import io.kontiki.chaos.run.kafka.KafkaMember;
import java.time.Duration;
import java.util.Random;
import java.util.Set;

/**
 * A member of a classic group of Kafka's consumers that commits now and then, and goes and comes
 * again: often in order, at times without a word.
 */
final class KafkaGroupMember extends Worker {
  private static final Duration POLL = Duration.ofMillis(50);
  private static final int LEAST_POLLS = 400;
  private static final int MORE_POLLS = 800;

  /** One life of so many ends without a word. */
  private static final int ONE_IN_DIES = 3;

  private final String bootstrap;
  private final String group;
  private final KafkaMember.Protocol protocol;
  private final Set<String> topics;
  private final Random random;
  private final History history;
  private final Coverage coverage;

  KafkaGroupMember(
      String bootstrap,
      String group,
      String name,
      KafkaMember.Protocol protocol,
      Set<String> topics,
      long seed,
      History history,
      Coverage coverage) {
    super(name);
    this.bootstrap = bootstrap;
    this.group = group;
    this.protocol = protocol;
    this.topics = topics;
    this.random = new Random(seed);
    this.history = history;
    this.coverage = coverage;
  }

  @Override
  void work() {
    for (int life = 1; !stopping(); life++) {
      live(name() + "." + life);
    }
  }

  private void live(String member) {
    int polls = LEAST_POLLS + random.nextInt(MORE_POLLS);
    boolean leaves = random.nextInt(ONE_IN_DIES) != 0;
    try (KafkaMember self =
        new KafkaMember(
            bootstrap,
            group,
            member,
            topics,
            protocol,
            leaves,
            new MemberNotes(group, member, history, coverage))) {
      for (int poll = 0; poll < polls && !stopping(); poll++) {
        String failure = self.poll(POLL);
        if (!failure.isEmpty()) {
          surprise("a member cannot go on: " + failure);
          return;
        }
        if (random.nextInt(4) == 0) {
          self.commit();
        }
      }
    }
  }
}
