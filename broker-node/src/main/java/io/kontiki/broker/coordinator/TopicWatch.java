package io.kontiki.broker.coordinator;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import io.kontiki.group.KnownTopic;
import io.kontiki.group.MemberDetails;
import io.kontiki.group.TopicsSeen;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What an image says of the topics that members subscribe to (rule G7). Patterns are RE2's, which
 * take time linear in the name whatever somebody writes, and are evaluated once for each set of
 * names.
 */
final class TopicWatch {
  private static final int TOPIC_BYTES = 32;

  /** Patterns that are kept compiled; more than members use together is not worth keeping. */
  private static final int PATTERNS = 10_000;

  private final TreeMap<String, Matches> patterns = new TreeMap<>();

  /** A pattern with what it matched last. */
  private static final class Matches {
    final @Nullable Pattern pattern;
    @Nullable SortedMap<String, TopicId> names;
    List<String> found = List.of();

    Matches(@Nullable Pattern pattern) {
      this.pattern = pattern;
    }
  }

  /** Of all members of a group, those on their way included. */
  TopicsSeen seen(ClusterImage image, Iterable<MemberDetails> members) {
    TreeSet<String> names = new TreeSet<>();
    TreeMap<String, List<String>> matches = new TreeMap<>();
    for (MemberDetails member : members) {
      names.addAll(member.topics());
      if (!member.pattern().isEmpty() && !matches.containsKey(member.pattern())) {
        List<String> found = matches(image, member.pattern());
        matches.put(member.pattern(), found);
        names.addAll(found);
      }
    }
    List<KnownTopic> known = new ArrayList<>();
    for (String name : names) {
      TopicImage topic = image.topic(name);
      if (topic != null) {
        known.add(new KnownTopic(topic.id(), name, topic.partitions().size()));
      }
    }
    return new TopicsSeen(image.index(), known, matches);
  }

  private List<String> matches(ClusterImage image, String pattern) {
    Matches known = patterns.get(pattern);
    if (known == null) {
      if (patterns.size() >= PATTERNS) {
        patterns.clear();
      }
      known = new Matches(compiled(pattern));
      patterns.put(pattern, known);
    }
    Pattern compiled = known.pattern;
    if (known.names != image.topicNames() && compiled != null) {
      known.names = image.topicNames();
      known.found = image.topicNames().keySet().stream().filter(compiled::matches).toList();
    }
    return known.found;
  }

  /** Null: it is no pattern, and matches nothing; who subscribes was told before. */
  private static @Nullable Pattern compiled(String pattern) {
    try {
      return Pattern.compile(pattern);
    } catch (PatternSyntaxException e) {
      return null;
    }
  }

  /** Whether both say the same of topics, whatever the images behind them. */
  static boolean same(@Nullable TopicsSeen a, TopicsSeen b) {
    return a != null && a.topics().equals(b.topics()) && a.matches().equals(b.matches());
  }

  /** What it takes in an entry, roughly. */
  static long bytes(TopicsSeen topics) {
    long bytes = 0;
    for (KnownTopic topic : topics.topics()) {
      bytes += TOPIC_BYTES + topic.name().length();
    }
    for (var pattern : topics.matches().entrySet()) {
      bytes += pattern.getKey().length() * 3L;
      for (String name : pattern.getValue()) {
        bytes += 2 + name.length();
      }
    }
    return bytes;
  }
}
