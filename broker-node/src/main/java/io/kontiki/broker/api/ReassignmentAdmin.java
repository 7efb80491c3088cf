package io.kontiki.broker.api;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataCommand.ReassignPartitions;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.Reassignments;
import io.kontiki.metadata.controller.Reassignments.Named;
import io.kontiki.metadata.controller.Reassignments.UnderWay;
import io.kontiki.metadata.controller.Reassignments.Wanted;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Moves replicas, lists what is under way, and takes it back (R34). Stateless; any loop. */
public final class ReassignmentAdmin {
  private final Metadata metadata;
  private final int limit;
  private final long ownBytesPerSecond;
  private final RandomSource random;

  /**
   * Moves have begun.
   *
   * @param reassignments with the replicas that were given or chosen
   * @param index of the change
   */
  public record Begun(List<Wanted> reassignments, long index) {}

  /**
   * What is under way, by topic name and partition.
   *
   * @param bytesPerSecond that each broker ships to replicas that catch up, all together (R33); 0:
   *     no limit
   */
  public record Listed(List<UnderWay> underWay, long bytesPerSecond, long index) {}

  /**
   * Moves were taken back.
   *
   * @param partitions of which a move was under way
   * @param index of the change
   */
  public record Cancelled(List<Named> partitions, long index) {}

  /**
   * @param limit partitions under way at a time; more are refused
   * @param ownBytesPerSecond that this broker ships to replicas that catch up, if the cluster has
   *     no limit of its own
   * @param random for replicas that are to be chosen; thread-safe
   */
  public ReassignmentAdmin(
      Metadata metadata, int limit, long ownBytesPerSecond, RandomSource random) {
    this.metadata = metadata;
    this.limit = limit;
    this.ownBytesPerSecond = ownBytesPerSecond;
    this.random = random;
  }

  private long bytesPerSecond(ClusterImage image) {
    long limit = image.catchUpBytesPerSecond();
    return limit == ClusterImage.OWN_LIMIT ? ownBytesPerSecond : limit;
  }

  /**
   * Begins moves: all or none.
   *
   * @param throttle bytes per second of each broker, from now on, 0: no limit; null: as it is.
   *     Stays as it is where the moves are refused, as far as that is known before
   */
  public void reassign(
      CallContext call,
      List<Wanted> wanted,
      @Nullable Long throttle,
      Completion<Result<Begun>> completion) {
    ImageChange.makeThrottled(
        metadata,
        call,
        throttle,
        image ->
            Reassignments.decide(
                    image, wanted, limit, random.nextLong(), call.loop().clock().wallMs())
                .map(ReassignmentAdmin::unlessEmpty),
        done ->
            completion.complete(
                done.map(index -> new Begun(targets(metadata.image(), wanted), index))));
  }

  /** Checks moves, and chooses where replicas are not given, but begins nothing. */
  public void validate(
      CallContext call, List<Wanted> wanted, Completion<Result<Begun>> completion) {
    metadata.readLatest(
        call.answerByNanos(),
        call.home(
            latest ->
                completion.complete(
                    latest.fold(
                        image ->
                            Reassignments.decide(
                                    image,
                                    wanted,
                                    limit,
                                    random.nextLong(),
                                    call.loop().clock().wallMs())
                                .map(command -> planned(image, wanted, command)),
                        Result::error))));
  }

  private static Begun planned(
      ClusterImage image, List<Wanted> wanted, ReassignPartitions command) {
    Map<PartitionId, List<Integer>> moves = new TreeMap<>();
    command.moves().forEach(move -> moves.put(move.partition(), move.replicas()));
    List<Wanted> planned = new ArrayList<>();
    for (Wanted now : targets(image, wanted)) {
      TopicImage topic = Objects.requireNonNull(image.topic(now.partition().topic()));
      PartitionId id = new PartitionId(topic.id(), now.partition().partition());
      planned.add(new Wanted(now.partition(), moves.getOrDefault(id, now.replicas())));
    }
    return new Begun(planned, image.index());
  }

  private static Optional<MetadataCommand> unlessEmpty(ReassignPartitions command) {
    return command.moves().isEmpty() ? Optional.empty() : Optional.of(command);
  }

  private static List<Wanted> targets(ClusterImage image, List<Wanted> wanted) {
    List<Wanted> targets = new ArrayList<>();
    for (Wanted one : wanted) {
      TopicImage topic = image.topic(one.partition().topic());
      int number = one.partition().partition();
      if (topic != null && number < topic.partitions().size()) {
        PartitionImage now = topic.partitions().get(number);
        targets.add(new Wanted(one.partition(), now.target()));
      }
    }
    return targets;
  }

  /**
   * Lists what is under way.
   *
   * @param minIndex null: linearizable
   */
  public void list(
      CallContext call, @Nullable Long minIndex, Completion<Result<Listed>> completion) {
    TopicLookup.image(
        metadata,
        call,
        minIndex,
        image ->
            completion.complete(
                image.map(
                    found ->
                        new Listed(
                            Reassignments.underWay(found), bytesPerSecond(found), found.index()))));
  }

  /** Takes moves back. */
  public void cancel(
      CallContext call, List<Named> partitions, Completion<Result<Cancelled>> completion) {
    List<Named> cancelled = new ArrayList<>();
    ImageChange.make(
        metadata,
        call,
        image -> {
          cancelled.clear();
          TreeSet<String> underWay = new TreeSet<>();
          Reassignments.underWay(image)
              .forEach(one -> underWay.add(one.topic().name() + "-" + one.id().partition()));
          partitions.stream()
              .filter(named -> underWay.contains(named.topic() + "-" + named.partition()))
              .distinct()
              .forEach(cancelled::add);
          return Reassignments.cancel(image, partitions, call.loop().clock().wallMs())
              .map(ReassignmentAdmin::unlessEmpty);
        },
        done ->
            completion.complete(done.map(index -> new Cancelled(List.copyOf(cancelled), index))));
  }
}
