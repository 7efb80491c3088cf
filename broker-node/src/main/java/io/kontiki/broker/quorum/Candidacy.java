package io.kontiki.broker.quorum;

import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.session.Forming;
import io.kontiki.internal.v1.HelloResponse;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Result;
import io.kontiki.model.Uid;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a broker that does not vote does about it when the image calls it a voter (M23): it notes
 * durably that its directory has not voted, asks the metadata leader to be taken in, as a voter
 * does that comes late (M15, M16), and votes once it is on record. On record without such a note,
 * its directory has voted and has lost that part: it must not begin anew. On the control loop.
 */
final class Candidacy {
  private static final Logger LOG = LoggerFactory.getLogger(Candidacy.class);
  private static final long SEEK_NANOS = TimeUnit.MILLISECONDS.toNanos(300);
  private static final long CONFIRM_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long HELLO_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final NodeIdentity identity;
  private final FileStore files;
  private final Hellos hellos;
  private final Metadata metadata;
  private final EventLoop loop;
  private final Worker worker;
  private final Ends ends;
  private ClusterImage image = ClusterImage.EMPTY;
  private String toldWhy = "";
  private boolean noted;
  private boolean noting;
  private boolean confirming;
  private boolean over;
  private EventLoop.@Nullable Timer seeking;

  /**
   * How it ends, once; on the control loop.
   *
   * @param votes told how this directory votes from here on; nothing has been written
   * @param refused told why this node must not go on
   */
  record Ends(Consumer<FormingFile.Stored> votes, Consumer<String> refused) {}

  /**
   * @param files {@code raft/} of the data directory
   * @param noted whether the note is there already
   * @param worker writes it
   */
  Candidacy(
      NodeIdentity identity,
      FileStore files,
      boolean noted,
      Hellos hellos,
      Metadata metadata,
      EventLoop control,
      Worker worker,
      Ends ends) {
    this.identity = identity;
    this.files = files;
    this.noted = noted;
    this.hellos = hellos;
    this.metadata = metadata;
    this.loop = control;
    this.worker = worker;
    this.ends = ends;
  }

  /** Asks and decides nothing any more. */
  void close() {
    over = true;
    if (seeking != null) {
      seeking.cancel();
    }
  }

  void onImage(ClusterImage newest) {
    image = newest;
    VoterImage own = newest.voters().get(identity.nodeId());
    if (over || own == null) {
      return;
    } else if (!identity.directoryId().equals(own.directoryId())) {
      note();
    } else if (!confirming) {
      confirming = true;
      confirm();
    }
  }

  /** Voters that have just started tell of the past: of a time, perhaps, when this one voted. */
  private void confirm() {
    metadata.readLatest(
        loop.clock().nanoTime() + CONFIRM_NANOS,
        latest -> {
          if (latest instanceof Result.Ok<ClusterImage> found) {
            confirming = false;
            onLatest(found.value());
          } else if (!over) {
            loop.schedule(SEEK_NANOS, this::confirm);
          }
        });
  }

  private void onLatest(ClusterImage latest) {
    VoterImage own = latest.voters().get(identity.nodeId());
    if (over || own == null || !identity.directoryId().equals(own.directoryId())) {
      return; // a later image says the rest
    }
    close();
    if (noted) {
      ends.votes().accept(new FormingFile.Stored(directories(), latest.index()));
    } else {
      ends.refused().accept(Forming.lostContent(latest.clusterId()));
    }
  }

  private TreeMap<Integer, Uid> directories() {
    TreeMap<Integer, Uid> known = new TreeMap<>();
    for (VoterImage voter : image.voters().values()) {
      if (voter.directoryId() != null) {
        known.put(voter.id(), voter.directoryId());
      }
    }
    return known;
  }

  private void note() {
    if (noted) {
      seek();
    } else if (!noting) {
      noting = true;
      LOG.info("this node has been made a voter: it asks the metadata leader to be taken in (M23)");
      worker.execute(
          () -> {
            try {
              FormingFile.stand(files);
              loop.execute(this::noted);
            } catch (StorageException e) {
              loop.execute(() -> ends.refused().accept("raft/ of data.dir: " + e.getMessage()));
            }
          });
    }
  }

  private void noted() {
    noted = true;
    onImage(image);
  }

  private void seek() {
    if (seeking == null && !over) {
      tick();
    }
  }

  private void tick() {
    seeking = null;
    VoterImage own = image.voters().get(identity.nodeId());
    if (over || own == null || identity.directoryId().equals(own.directoryId())) {
      return;
    }
    for (VoterImage voter : image.voters().values()) {
      if (voter.id() != identity.nodeId()) {
        hellos.ask(
            voter.raft(),
            Hellos.Seeks.EMPTY,
            HELLO_TIMEOUT_NANOS,
            answer -> loop.execute(() -> answered(answer)));
      }
    }
    seeking = loop.schedule(SEEK_NANOS, this::tick);
  }

  private void answered(@Nullable HelloResponse answer) {
    if (!over
        && answer != null
        && !answer.getAdmission().isEmpty()
        && !answer.getAdmission().equals(toldWhy)) {
      toldWhy = answer.getAdmission();
      LOG.info("not taken in as a voter yet: {}", toldWhy);
    }
  }
}
