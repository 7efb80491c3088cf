package io.kontiki.chaos.run.load;

import io.kontiki.cli.admin.AdminClient;
import io.kontiki.cli.admin.AdminError;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.model.Endpoint;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Creates, changes and deletes topics of its own, and looks each time whether what was acknowledged
 * is so. Whoever asks after an acknowledgement must see what it says.
 */
final class Administrator extends Worker {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final String prefix;
  private final AdminClient admin;

  /**
   * @param prefix of the names of its topics, which nobody else uses
   */
  Administrator(String name, List<Endpoint> http, String prefix) {
    super(name);
    this.prefix = prefix;
    this.admin = new AdminClient(http, null, PATIENCE);
  }

  /** What came of a call. */
  private enum Outcome {
    DONE,
    NO_SUCH_TOPIC,
    UNKNOWN
  }

  @Override
  void work() {
    for (int number = 1; !stopping(); number++) {
      String topic = prefix + number;
      play(topic);
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private void play(String topic) {
    JsonObject name = new JsonObject().with("name", topic);
    boolean created =
        call("CreateTopic", new JsonObject().with("name", topic).with("partitions", 3), false)
            == Outcome.DONE;
    if (created && call("DescribeTopic", name, true) == Outcome.NO_SUCH_TOPIC) {
      surprise(topic + " was created, and was not there afterwards");
    }
    JsonObject change =
        new JsonObject()
            .with("name", topic)
            .with("config", new JsonObject().with("retention.ms", "3600000"));
    if (created && call("AlterTopicConfig", change, false) == Outcome.DONE && !isChanged(name)) {
      surprise(topic + ": its retention.ms was set, and was not afterwards");
    }
    Outcome deleted = Outcome.UNKNOWN;
    while (deleted == Outcome.UNKNOWN && !stopping()) {
      deleted = call("DeleteTopic", name, false);
    }
    if (deleted == Outcome.NO_SUCH_TOPIC && created) {
      // An earlier try of ours may have done it; if there was none, it got lost.
      return;
    }
    if (deleted == Outcome.DONE && call("DescribeTopic", name, true) == Outcome.DONE) {
      surprise(topic + " was deleted, and was there afterwards");
    }
  }

  /** True also if nobody can say. */
  private boolean isChanged(JsonObject name) {
    JsonObject answer = ask("DescribeTopic", name);
    return answer == null
        || answer.object("topic").object("config").text("retention.ms").equals("3600000");
  }

  private @Nullable JsonObject ask(String method, JsonObject request) {
    try {
      return admin.call(method, request, true, Deadline.in(PATIENCE));
    } catch (AdminError | CliException e) {
      return null;
    }
  }

  private Outcome call(String method, JsonObject request, boolean readOnly) {
    try {
      admin.call(method, request, readOnly, Deadline.in(PATIENCE));
      return Outcome.DONE;
    } catch (AdminError e) {
      return e.reason().equals("TOPIC_NOT_FOUND") ? Outcome.NO_SUCH_TOPIC : Outcome.UNKNOWN;
    } catch (CliException e) {
      return Outcome.UNKNOWN;
    }
  }
}
