package io.kontiki.broker.session;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand.AdmitVoter;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How the metadata leader takes in voters that are not on record with their directory: listed
 * voters that were not there when the cluster was formed, and voters that lost their disk (rules
 * M15, M16). Such a voter does not run its Raft ({@link Forming}). For one voter at a time, the
 * leader
 *
 * <ol>
 *   <li>asks who answers at the voter's address: another process with its node id is proof that the
 *       asker must not run;
 *   <li>takes the voter out of the Raft configuration; when that is committed, what the lost disk
 *       may have acknowledged is on a majority of the others, and nothing that still speaks for the
 *       old directory counts;
 *   <li>commits {@link AdmitVoter}, under the term in which it saw that;
 *   <li>when the voter, which finds itself on record now, has started its Raft with no
 *       configuration, takes it into the configuration again.
 * </ol>
 *
 * <p>Every step can be repeated, and what is to be done follows from the image, the configuration
 * and who asks: a new leader goes on where the one before was. A voter that has taken part since
 * the cluster was formed, but was not seen by whoever formed it, is only put on record: it has lost
 * nothing.
 *
 * <p>A broker that an operator makes a voter is taken in like one that comes late; a member of the
 * configuration that is no voter any more is taken out of it (M23). A leader that is none any more
 * hands over first: the next one takes it out.
 *
 * <p>Belongs to one loop; does something between {@link #onLeaderStart} and {@link #onLeaderStop}
 * only.
 */
public final class Admission {
  /** Who has not asked for so long is not there. */
  static final long ASKED_NANOS = 3_000_000_000L;

  /** After a step that failed, before the same voter is tried again. */
  static final long PAUSE_NANOS = 500_000_000;

  /** A leader that is no voter any more waits so long for another one. */
  static final long HAND_OVER_NANOS = 2_000_000_000L;

  private final int self;
  private final Uid directoryId;
  private final TreeMap<Integer, Seeker> seekers = new TreeMap<>();
  private final TreeMap<Integer, Pause> pauses = new TreeMap<>();
  private final List<Action> out = new ArrayList<>();
  private ClusterImage image = ClusterImage.EMPTY;
  private TreeSet<Integer> configuration = new TreeSet<>();

  /** Whether {@link #configuration} is of this leadership, and of after its last change. */
  private boolean configurationKnown;

  private long term = -1;
  private @Nullable Job job;
  private long jobs;

  /** What to do; each is answered with the number of its job, once. */
  public sealed interface Action {
    /** Ask who is at the voter's listed address: {@link #onConfirmed}. */
    record Confirm(long job, int voterId) implements Action {}

    /** Take the voter out of the Raft configuration: {@link #onChanged}. */
    record Remove(long job, int voterId) implements Action {}

    /** Propose under the term: {@link #onProposed}. */
    record Admit(long job, long term, AdmitVoter command) implements Action {}

    /** Take the voter into the Raft configuration: {@link #onChanged}. */
    record Add(long job, int voterId) implements Action {}

    /** Let a voter lead instead of this node, which is none any more; is not answered. */
    record HandOver() implements Action {}
  }

  /**
   * What a voter is told that wants to be taken in.
   *
   * @param why what is being waited for, or why it is refused
   * @param refused whether it shall give up
   */
  public record Answer(String why, boolean refused) {}

  /**
   * A voter that has asked.
   *
   * @param votes it has taken part since the cluster was formed
   */
  private record Seeker(Uid directoryId, boolean votes, long askedAt) {}

  private record Pause(long until, String why) {}

  private enum Step {
    CONFIRM,
    REMOVE,
    ADMIT,
    ADD,
    EXPEL
  }

  /**
   * One step for one voter.
   *
   * @param directoryId that is to vote
   */
  private record Job(long number, int voterId, Uid directoryId, boolean votes, Step step) {}

  /**
   * @param directoryId of this node
   */
  public Admission(int self, Uid directoryId) {
    this.self = self;
    this.directoryId = directoryId;
  }

  /** This node leads, and has applied everything before its term. */
  public void onLeaderStart(long ledTerm, ClusterImage newest) {
    onLeaderStop();
    term = ledTerm;
    image = newest;
  }

  /** It leads no more. */
  public void onLeaderStop() {
    term = -1;
    job = null;
    configurationKnown = false;
    seekers.clear();
    pauses.clear();
  }

  /** This node has applied an image. */
  public void onImage(ClusterImage newest) {
    image = newest;
  }

  /**
   * Somebody wants to be taken in.
   *
   * @param votes it has taken part since the cluster was formed, with this directory
   * @return null: this node does not lead
   */
  public @Nullable Answer onSeek(int voterId, Uid directory, boolean votes, Now now) {
    VoterImage voter = image.voters().get(voterId);
    if (term < 0 || !image.formed()) {
      return null;
    } else if (voter == null) {
      return new Answer(
          "node " + voterId + " is none of the voters " + image.voters().keySet(), true);
    } else if (voterId == self && !directory.equals(directoryId)) {
      return new Answer(Forming.idInUse(voterId, Forming.LISTED, directoryId), true);
    }
    seekers.put(voterId, new Seeker(directory, votes, now.nanos()));
    Pause pause = pauses.get(voterId);
    if (directory.equals(voter.directoryId())) {
      return new Answer("it is on record now", false);
    } else if (job != null && job.voterId() == voterId) {
      return new Answer("being taken in: " + job.step(), false);
    } else if (!votes && !mayLeave(voterId)) {
      return new Answer(
          "node "
              + voterId
              + " is taken in when the Raft configuration, which is "
              + configuration
              + ", can do without it: a majority of the voters "
              + image.voters().keySet()
              + " must belong to it beside that",
          false);
    }
    return new Answer(pause == null ? "its turn comes" : pause.why(), false);
  }

  /**
   * Whether a node that votes, and is not to, may stop its Raft: this leader's image has no
   * directory of a voter with its id, no committed configuration counts it, and none that does is
   * being committed (M23). That stays so until the node itself asks to be taken in.
   */
  public boolean left(int nodeId) {
    VoterImage voter = image.voters().get(nodeId);
    return term >= 0
        && image.formed()
        && configurationKnown
        && (voter == null || voter.directoryId() == null)
        && !configuration.contains(nodeId)
        && (job == null || job.voterId() != nodeId);
  }

  /**
   * Time has passed.
   *
   * @param members of the committed Raft configuration
   */
  public List<Action> onTick(Collection<Integer> members, Now now) {
    configuration = new TreeSet<>(members);
    configurationKnown = term >= 0;
    if (term < 0 || job != null || !image.formed()) {
      return take();
    }
    seekers.values().removeIf(seeker -> now.nanos() - seeker.askedAt() > ASKED_NANOS);
    VoterImage own = image.voters().get(self);
    if (own != null && own.directoryId() == null) {
      // Formed by another leader that had not seen this one; it leads, so it has lost nothing.
      admit(new Job(++jobs, self, directoryId, true, Step.ADMIT), now);
      return take();
    }
    pauses.values().removeIf(pause -> now.nanos() >= pause.until());
    if (expel(now)) {
      return take();
    }
    // Who is on record and out of the configuration comes first: one at a time.
    for (VoterImage voter : image.voters().values()) {
      if (voter.directoryId() != null && !members.contains(voter.id()) && free(voter.id())) {
        Seeker seeker = seekers.get(voter.id());
        if (seeker == null || seeker.directoryId().equals(voter.directoryId())) {
          confirm(voter.id(), voter.directoryId(), false);
          return take();
        }
      }
    }
    seekers.forEach(
        (id, seeker) -> {
          VoterImage voter = image.voters().get(id);
          if (job == null
              && voter != null
              && !seeker.directoryId().equals(voter.directoryId())
              && (seeker.votes() || mayLeave(id))
              && free(id)) {
            confirm(id, seeker.directoryId(), seeker.votes());
          }
        });
    return take();
  }

  /** M23: who is no voter any more goes before anybody comes. */
  private boolean expel(Now now) {
    for (int member : configuration) {
      if (image.voters().containsKey(member) || !free(member)) {
        continue;
      }
      if (member == self) {
        pauses.put(self, new Pause(now.nanos() + HAND_OVER_NANOS, "it hands over"));
        out.add(new Action.HandOver());
        return true;
      } else if (mayLeave(member)) {
        job = new Job(++jobs, member, Uid.NONE, false, Step.EXPEL);
        out.add(new Action.Remove(jobs, member));
        return true;
      }
    }
    return false;
  }

  private boolean free(int voterId) {
    return !pauses.containsKey(voterId);
  }

  /**
   * Whether the configuration without this voter still has a majority of all voters in it, or is
   * without it anyway.
   */
  private boolean mayLeave(int voterId) {
    if (!configuration.contains(voterId)) {
      return true;
    }
    Set<Integer> rest = new TreeSet<>(configuration);
    rest.remove(voterId);
    return rest.size() > image.voters().size() / 2;
  }

  private void confirm(int voterId, Uid directory, boolean votes) {
    job = new Job(++jobs, voterId, directory, votes, Step.CONFIRM);
    out.add(new Action.Confirm(job.number(), voterId));
  }

  /**
   * Who answers at the voter's address.
   *
   * @param found data directory of the process there, null: nobody answered
   * @param started whether it runs its Raft
   */
  public List<Action> onConfirmed(long number, @Nullable Uid found, boolean started, Now now) {
    Job current = current(number);
    if (current == null) {
      return take();
    }
    VoterImage voter = image.voters().get(current.voterId());
    if (voter == null) {
      job = null;
    } else if (!current.directoryId().equals(found)) {
      pause(
          current,
          found == null
              ? "nobody answers at the address of node " + voter.id() + ", " + voter.raft()
              : Forming.idInUse(voter.id(), voter.raft().toString(), found),
          now);
    } else if (current.directoryId().equals(voter.directoryId())) {
      if (started) {
        next(current, Step.ADD);
        out.add(new Action.Add(jobs, current.voterId()));
      } else {
        job = null; // it is about to see that it is on record
      }
    } else if (current.votes() && voter.directoryId() == null) {
      admit(current, now);
    } else if (mayLeave(current.voterId())) {
      // Also if it is out: the answer says that this is committed.
      next(current, Step.REMOVE);
      out.add(new Action.Remove(jobs, current.voterId()));
    } else {
      job = null;
    }
    return take();
  }

  /** The configuration was changed, or not. */
  public List<Action> onChanged(long number, boolean done, String why, Now now) {
    Job current = current(number);
    if (current == null) {
      return take();
    }
    configurationKnown = false; // until the next look
    if (!done) {
      pause(current, "the Raft configuration was not changed: " + why, now);
    } else if (current.step() == Step.REMOVE) {
      admit(current, now);
    } else {
      job = null;
    }
    return take();
  }

  private void admit(Job current, Now now) {
    VoterImage voter = image.voters().get(current.voterId());
    if (voter == null || current.directoryId().equals(voter.directoryId())) {
      job = null;
      return;
    }
    next(current, Step.ADMIT);
    out.add(
        new Action.Admit(
            jobs,
            term,
            new AdmitVoter(
                now.wallMs(), current.voterId(), voter.directoryId(), current.directoryId())));
  }

  /** The command was applied, or nobody knows (M3). */
  public List<Action> onProposed(long number, boolean applied, String why, Now now) {
    Job current = current(number);
    if (current != null && applied) {
      job = null; // the image says the rest
    } else if (current != null) {
      pause(current, "the command was not applied: " + why, now);
    }
    return take();
  }

  private void next(Job current, Step step) {
    job = new Job(++jobs, current.voterId(), current.directoryId(), current.votes(), step);
  }

  private void pause(Job current, String why, Now now) {
    pauses.put(current.voterId(), new Pause(now.nanos() + PAUSE_NANOS, why));
    job = null;
  }

  private @Nullable Job current(long number) {
    return job != null && job.number() == number ? job : null;
  }

  private List<Action> take() {
    List<Action> actions = List.copyOf(out);
    out.clear();
    return actions;
  }
}
