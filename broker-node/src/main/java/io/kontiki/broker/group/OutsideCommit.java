package io.kontiki.broker.group;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.api.TopicLookup;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.OffsetCommit;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Commits that come from no stream: of jobs that read without a group, and on behalf of members.
 * All offsets of a request are stored, or none. Stateless; any loop.
 */
public final class OutsideCommit {
  private final Metadata metadata;
  private final Groups groups;
  private final EpochFinder epochs;

  public OutsideCommit(Metadata metadata, PartitionRequests partitions, Groups groups) {
    this.metadata = metadata;
    this.groups = groups;
    this.epochs = new EpochFinder(partitions);
  }

  /**
   * What is to be committed.
   *
   * @param memberId empty: the group must have no members
   * @param generation in which the member was assigned its partitions
   */
  public record Request(String group, List<Place> offsets, String memberId, int generation) {
    public Request {
      offsets = List.copyOf(offsets);
    }
  }

  /** Stores them, and says when they are. */
  public void commit(CallContext call, Request request, Completion<Result<Boolean>> completion) {
    ApiError bad = check(request);
    if (bad != null) {
      completion.complete(Result.error(bad));
      return;
    }
    TopicLookup lookup = new TopicLookup(metadata);
    List<Place> offsets = request.offsets();
    Gather.<Result<TopicImage>>all(
        call.loop(),
        offsets.size(),
        i -> Result.error(Refusals.topicNotFound(offsets.get(i).partition().topic())),
        (i, answer) -> {
          Named name = offsets.get(i).partition();
          lookup.partition(call, name.topic(), name.partition(), answer);
        },
        topics -> check(call, request, topics, completion));
  }

  private static @Nullable ApiError check(Request request) {
    ApiError bad = SubscriptionCheck.badName("group", request.group());
    if (bad != null) {
      return bad;
    }
    if (request.offsets().isEmpty() || request.offsets().size() > Commits.MAX_PARTITIONS) {
      return Refusals.invalidField(
          "offsets",
          "has " + request.offsets().size() + " entries; 1 to " + Commits.MAX_PARTITIONS);
    }
    if (request.generation() < 0) {
      return Refusals.invalidField("generation", request.generation() + " is negative");
    }
    TreeSet<Named> seen = new TreeSet<>();
    for (int i = 0; i < request.offsets().size(); i++) {
      Place place = request.offsets().get(i);
      String field = "offsets[" + i + "]";
      bad = Commits.badPlace(place, field);
      if (bad != null) {
        return bad;
      }
      if (place.partition().partition() < 0) {
        return Refusals.invalidField(
            field + ".partition", place.partition().partition() + " is negative");
      }
      if (!seen.add(place.partition())) {
        return Refusals.invalidField(field, "names a partition that the request names before");
      }
    }
    return null;
  }

  private void check(
      CallContext call,
      Request request,
      List<Result<TopicImage>> topics,
      Completion<Result<Boolean>> completion) {
    List<PartitionId> partitions = new ArrayList<>();
    List<Integer> untold = new ArrayList<>();
    List<EpochFinder.Question> questions = new ArrayList<>();
    for (int i = 0; i < topics.size(); i++) {
      if (topics.get(i) instanceof Result.Err<TopicImage> missing) {
        completion.complete(Result.error(missing.error()));
        return;
      }
      TopicImage topic = ((Result.Ok<TopicImage>) topics.get(i)).value();
      Place place = request.offsets().get(i);
      int number = place.partition().partition();
      int present = topic.partitions().get(number).leaderEpoch();
      ApiError bad = Commits.badEpoch(place, "offsets[" + i + "]", present);
      if (bad != null) {
        completion.complete(Result.error(bad));
        return;
      }
      partitions.add(new PartitionId(topic.id(), number));
      if (place.leaderEpoch() == Place.NO_EPOCH) {
        untold.add(i);
        questions.add(new EpochFinder.Question(partitions.get(i), place.offset(), present));
      }
    }
    epochs.find(
        call,
        questions,
        found -> {
          List<Integer> all =
              new ArrayList<>(request.offsets().stream().map(Place::leaderEpoch).toList());
          for (int i = 0; i < found.size(); i++) {
            all.set(untold.get(i), found.get(i));
          }
          submit(call, request, partitions, all, completion);
        });
  }

  private void submit(
      CallContext call,
      Request request,
      List<PartitionId> partitions,
      List<Integer> leaderEpochs,
      Completion<Result<Boolean>> completion) {
    List<OffsetCommit> commits = new ArrayList<>();
    for (int i = 0; i < partitions.size(); i++) {
      Place place = request.offsets().get(i);
      commits.add(
          new OffsetCommit(
              partitions.get(i), place.offset(), leaderEpochs.get(i), place.metadata(), true));
    }
    groups.submit(
        call,
        new GroupCommand.CommitOffsets(
            call.loop().clock().wallMs(),
            request.group(),
            request.memberId(),
            request.generation(),
            commits,
            true),
        answer ->
            completion.complete(answer.fold(OutsideCommit::stored, error -> Result.error(error))));
  }

  private static Result<Boolean> stored(GroupAnswer answer) {
    return answer instanceof GroupAnswer.Rejected rejected
        ? Result.error(rejected.error())
        : Result.ok(true);
  }
}
