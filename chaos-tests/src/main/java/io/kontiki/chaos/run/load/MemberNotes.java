package io.kontiki.chaos.run.load;

import io.kontiki.chaos.history.Event;
import io.kontiki.chaos.history.History;
import io.kontiki.chaos.history.Log;
import io.kontiki.chaos.run.kafka.KafkaMember;

/**
 * Writes down what one member of a group does and sees.
 *
 * @param member one that takes the place of another has a name of its own
 */
record MemberNotes(String group, String member, History history, Coverage coverage)
    implements KafkaMember.Notes {
  @Override
  public void assigned(String topic, int partition, int generation, long offset) {
    history.add(new Event.Assigned(group, member, new Log(topic, partition), generation, offset));
  }

  @Override
  public void delivered(String topic, int partition, long from, long to) {
    Log log = new Log(topic, partition);
    history.add(new Event.Delivered(group, member, log, from, to));
    coverage.add(log, from, to);
  }

  @Override
  public void commitAsked(String topic, int partition, long offset) {
    history.add(new Event.CommitAsked(group, member, new Log(topic, partition), offset));
  }

  @Override
  public void commitStored(String topic, int partition, long offset) {
    history.add(new Event.CommitStored(group, member, new Log(topic, partition), offset));
  }

  @Override
  public void givenUp(String topic, int partition) {
    history.add(new Event.GivenUp(group, member, new Log(topic, partition)));
  }
}
