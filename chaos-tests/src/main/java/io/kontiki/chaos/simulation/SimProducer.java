package io.kontiki.chaos.simulation;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.PartitionRequests;
import io.kontiki.broker.api.PartitionRequests.Append;
import io.kontiki.broker.api.PartitionRequests.AppendAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.api.ProduceAnswer;
import io.kontiki.broker.api.ProduceRequest;
import io.kontiki.broker.api.ProducerIds;
import io.kontiki.config.TopicConfig;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.Acks;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.record.Record;
import io.kontiki.runtime.memory.SeededRandom;
import io.kontiki.runtime.memory.VirtualLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A producer; one with {@code acks=all} and an id as the SDK's is (rule I5): up to five batches of
 * a partition under way, the same bytes again after an unknown end, in order, for as long as it
 * takes. Thin ones stream requests to any broker, all of a partition to the same one until one of
 * them fails (P5), and say the same again to another one (I6).
 */
public final class SimProducer {
  private static final long MS = 1_000_000;
  private static final int IN_FLIGHT = 5;
  private static final long APPEND_MS = 2_000;

  /** So many keys has a partition that is compacted. */
  private static final int KEYS = 12;

  private final World world;
  private final int id;
  private final SeededRandom random;
  private final VirtualLoop loop;
  private final TreeMap<Integer, ClientLink> links = new TreeMap<>();
  private final TreeMap<PartitionId, Lane> lanes = new TreeMap<>();
  private final ProducerPlan plan;
  private final long meanGapMs;
  private long producerId = -1;
  private boolean asking;
  private boolean finishing;

  /** So many requests of a thin client had a sequence. */
  private int requests;

  SimProducer(
      World world, int id, ProducerPlan plan, List<PartitionId> partitions, long meanGapMs) {
    this.plan = plan;
    this.world = world;
    this.id = id;
    this.random = world.newRandom();
    this.loop = world.time().newLoop("client-" + id);
    this.meanGapMs = meanGapMs;
    partitions.forEach(this::writesTo);
  }

  /** It has one more partition to write to. */
  void writesTo(PartitionId partition) {
    lanes.put(partition, new Lane(partition));
  }

  /** The partition is deleted; what is under way ends as it may. */
  void forget(PartitionId partition) {
    Lane lane = lanes.remove(partition);
    if (lane != null) {
      lane.deleted = true;
    }
  }

  void start() {
    loop.execute(this::tick);
  }

  private String name() {
    return "producer " + id;
  }

  private ClientLink link(int broker) {
    return links.computeIfAbsent(broker, to -> new ClientLink(world, id, to, loop));
  }

  private int anyBroker() {
    return 1 + random.nextInt(world.plan().brokers());
  }

  private void tick() {
    if (producerId < 0 && plan.idempotent()) {
      askForId();
    } else {
      List<Lane> all = List.copyOf(lanes.values());
      if (!finishing && !all.isEmpty()) {
        all.get(random.nextInt(all.size())).produce();
      }
    }
    loop.schedule((1 + random.nextInt((int) (2 * meanGapMs))) * MS, this::tick);
  }

  private void askForId() {
    if (asking) {
      return;
    }
    asking = true;
    link(anyBroker())
        .<Result<Long>>call(
            3_000 * MS,
            (process, answer) -> {
              ProducerIds ids = process.producerIds(plan.thin());
              if (ids != null) {
                ids.next(CallContext.within(process.data().all().get(0), 2_500 * MS), answer);
              }
            },
            reply -> {
              asking = false;
              if (reply.answer() instanceof Result.Ok<Long> ok) {
                producerId = ok.value();
                world
                    .trace()
                    .add(61, producerId, () -> "client " + id + " has producer id " + ok.value());
              }
            });
  }

  void mark() {
    lanes.values().forEach(lane -> lane.ackedSinceMark = lane.givenUp);
  }

  boolean ackedSinceMark() {
    return plan.acks() == Acks.NONE
        || lanes.values().stream().allMatch(lane -> lane.ackedSinceMark);
  }

  void finish() {
    finishing = true;
  }

  boolean done() {
    return lanes.values().stream().allMatch(lane -> lane.pending.isEmpty());
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("producer " + id + " (" + producerId + ")");
    lanes.forEach(
        (partition, lane) ->
            text.append(" p")
                .append(partition.partition())
                .append(" pending ")
                .append(lane.pending.size())
                .append(" last ")
                .append(lane.lastError));
    return text.toString();
  }

  private static final class Pending {
    private final Chronicle.Unit unit;
    private final long value;
    private final long number;
    private final int sequence;
    private final List<Record> records;

    /** Some try ended without telling: a copy may be in the log or come there. */
    private boolean unknown;

    Pending(Chronicle.Unit unit, int sequence, List<Record> records) {
      this.unit = unit;
      this.value = unit.value();
      this.number = unit.number();
      this.sequence = sequence;
      this.records = records;
    }
  }

  /**
   * What a broker says.
   *
   * @param leaderEpoch {@link #UNTOLD}: thin clients do not hear of it
   * @param error null: appended
   */
  private record Said(long base, int leaderEpoch, @Nullable ApiError error) {
    static final int UNTOLD = -2;

    static Said of(AppendAnswer answer) {
      return answer instanceof AppendAnswer.Appended done
          ? new Said(done.baseOffset(), done.leaderEpoch(), null)
          : new Said(-1, UNTOLD, ((AppendAnswer.Failed) answer).error());
    }

    static Said of(ProduceAnswer answer) {
      return answer instanceof ProduceAnswer.Produced done
          ? new Said(done.positions().get(0).offset(), UNTOLD, null)
          : new Said(-1, UNTOLD, ((ProduceAnswer.Failed) answer).error());
    }
  }

  /** What goes to one partition. */
  private final class Lane {
    private final PartitionId partition;
    private final String topic;
    private final boolean keyed;
    private final List<Pending> pending = new ArrayList<>();
    private int nextSequence;

    /** A round sends everything that is pending, in order; a failure begins a new one. */
    private long round;

    private int sentInRound;
    private int underWay;
    private boolean failed;

    /** The leader of this round has appended something. */
    private boolean established;

    private boolean waiting;
    private @Nullable Integer leader;
    private boolean ackedSinceMark;
    private boolean deleted;
    private boolean givenUp;
    private long lastAcked = -1;
    private String lastError = "";
    private long batches;

    /** One way for all of a round: two would overtake each other. */
    private Route route = Route.LOCAL;

    /** Whom a round goes to that is forwarded. */
    private int edge;

    Lane(PartitionId partition) {
      this.partition = partition;
      TopicImage image = world.image().topics().get(partition.topicId());
      this.topic = image == null ? "" : image.name();
      this.keyed = image != null && TopicConfig.of(image.config()).cleanupPolicy().compacts();
      chooseRoute();
    }

    private void chooseRoute() {
      route = random.oneIn(3) ? Route.FORWARD : Route.LOCAL;
      edge = anyBroker();
    }

    void produce() {
      if (pending.size() >= 20 || givenUp) {
        return;
      }
      int records = 1 + random.nextInt(3);
      long value = world.nextValue();
      int size = 8 + random.nextInt(120);
      List<Values.Keyed> entries = keyed ? keys(records) : List.of();
      List<Record> all =
          keyed ? Values.records(value, entries, size) : Values.records(value, records, size);
      Chronicle.Unit unit =
          new Chronicle.Unit(value, ++batches, entries.stream().map(Values.Keyed::key).toList());
      world.seen().chronicle().sends(name(), plan, partition, unit);
      pending.add(new Pending(unit, plan.thin() ? requests++ : nextSequence, all));
      nextSequence += records;
      send();
    }

    private List<Values.Keyed> keys(int count) {
      List<Values.Keyed> records = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        records.add(new Values.Keyed("k" + random.nextInt(KEYS), random.oneIn(5)));
      }
      return records;
    }

    private void send() {
      if (waiting || failed || deleted) {
        return;
      }
      if (leader == null && !plan.thin()) {
        findLeader();
        return;
      }
      // Counted from the oldest one: the broker remembers five. As the client library does it, one
      // goes alone to a leader who perhaps does not know the producer: if records were deleted, any
      // first sequence is believed (I3), also of one that has overtaken those before it.
      int limit = plan.idempotent() && !plan.thin() && !established ? 1 : IN_FLIGHT;
      while (sentInRound < pending.size()
          && pending.get(sentInRound).number < pending.get(0).number + limit) {
        send(pending.get(sentInRound++));
      }
    }

    private void send(Pending batch) {
      long mine = round;
      underWay++;
      int to =
          plan.thin() || route == Route.FORWARD ? edge : java.util.Objects.requireNonNull(leader);
      world.seen().sends(partition, batch.value);
      world
          .trace()
          .add(
              62,
              batch.value,
              () ->
                  "client "
                      + id
                      + " -> n"
                      + to
                      + " append "
                      + batch.value
                      + " sequence "
                      + batch.sequence
                      + " to "
                      + partition);
      link(to)
          .<Said>callOnStream(
              (APPEND_MS + 500) * MS,
              plan.thin() ? streamed(batch) : appended(batch),
              reply -> ended(batch, mine, to, reply));
    }

    private ClientLink.Ask<Said> appended(Pending batch) {
      ByteBuffer bytes = Values.batch(batch.records, producerId, (short) 0, batch.sequence);
      Route way = route;
      return (process, stream, answer) -> {
        PartitionRequests requests = process.requests();
        if (requests == null) {
          answer.complete(Said.of(new AppendAnswer.Failed(SimProcess.starting(), null)));
          return;
        }
        long deadline = process.control().clock().nanoTime() + APPEND_MS * MS;
        requests.append(
            new Append(partition, -1, plan.acks(), bytes, deadline, way),
            said -> answer.complete(Said.of(said)));
      };
    }

    private ClientLink.Ask<Said> streamed(Pending batch) {
      ProduceRequest request =
          new ProduceRequest(
              topic,
              partition.partition(),
              batch.records,
              plan.acks(),
              plan.idempotent() ? producerId : ProduceRequest.NO_PRODUCER_ID,
              plan.idempotent() ? batch.sequence : 0);
      return (process, stream, answer) ->
          stream.submit(process, request, said -> answer.complete(Said.of(said)));
    }

    private void ended(Pending batch, long sentIn, int broker, ClientLink.Reply<Said> reply) {
      Said said = reply.answer();
      if (said != null && said.error == null) {
        established |= sentIn == round;
        world
            .trace()
            .add(
                63,
                said.base,
                () ->
                    "client " + id + " <- n" + broker + " " + batch.value + " is at " + said.base);
        if (pending.contains(batch)) {
          world.seen().acked(partition, batch.value, said.base, plan.acks(), epochOf(said));
          world.seen().chronicle().acked(name(), promised(said), partition, batch.unit, said.base);
          lastAcked = Math.max(lastAcked, said.base);
          remove(batch);
          ackedSinceMark = true;
        }
      } else {
        ApiError error = said == null ? null : said.error;
        lastError = error == null ? (reply.sent() ? "no answer" : "not sent") : error.toString();
        String what = lastError;
        world
            .trace()
            .add(
                64,
                batch.value,
                () -> "client " + id + " <- n" + broker + " " + batch.value + ": " + what);
        boolean passed =
            plan.thin() && error != null && hasPassed(error) && pending.contains(batch);
        batch.unknown |= error == null ? reply.sent() : !error.definite();
        boolean never = error != null && error.definite() && (passed || !batch.unknown);
        if (never) {
          world.seen().refused(partition, batch.value);
        }
        if (passed) {
          remove(batch);
          world.seen().chronicle().ended(name(), partition, batch.unit, never);
        } else if (error != null
            && error.reason() == ErrorReason.SEQUENCE_OUT_OF_ORDER
            && mayBeForgotten()) {
          // What was lost or deleted, for a reason, takes the session of its producer along.
          pending.clear();
          givenUp = true;
          ackedSinceMark = true;
        } else if (!plan.idempotent()) {
          // It cannot be sent again without being there twice.
          if (remove(batch)) {
            world.seen().chronicle().ended(name(), partition, batch.unit, !batch.unknown);
          }
        }
        if (sentIn == round) {
          failed = true;
          leader = null;
        }
      }
      if (sentIn == round) {
        underWay--;
      }
      if (failed && underWay == 0) {
        failed = false;
        established = false;
        round++;
        sentInRound = 0;
        chooseRoute();
        waiting = true;
        loop.schedule(
            (20 + random.nextInt(80)) * MS,
            () -> {
              waiting = false;
              send();
            });
      } else {
        send();
      }
    }

    private boolean remove(Pending batch) {
      int index = pending.indexOf(batch);
      if (index < 0) {
        return false;
      }
      pending.remove(index);
      if (index < sentInRound) {
        sentInRound--;
      }
      return true;
    }

    /**
     * Whether a later one of a thin client is there already (I6): this one is not, if the refusal
     * is definite, whatever became of earlier tries; or nobody knows, if what is remembered of the
     * producer begins behind it.
     */
    private static boolean hasPassed(ApiError error) {
      return error.reason() == ErrorReason.SEQUENCE_OUT_OF_ORDER
          || error.reason() == ErrorReason.SEQUENCE_TOO_OLD;
    }

    /** The leader may have been of before an unclean election; who is not told cannot know. */
    private int epochOf(Said said) {
      if (said.leaderEpoch != Said.UNTOLD) {
        return said.leaderEpoch;
      }
      return world.seen().of(partition).unclean() < 0 ? Integer.MAX_VALUE : -1;
    }

    /** Whether the log may have nothing of this producer any more (I3, R19). */
    private boolean mayBeForgotten() {
      Committed committed = world.seen().of(partition);
      return committed.mayHaveLost() || committed.start() > lastAcked;
    }

    /** A leader that was replaced and does not know it yet promises nothing with acks=leader. */
    private Acks promised(Said said) {
      PartitionImage now = world.image().partition(partition);
      boolean replaced =
          plan.acks() == Acks.LEADER
              ? now == null || now.leaderEpoch() != said.leaderEpoch
              : world.seen().of(partition).isOfBefore(epochOf(said));
      return replaced ? Acks.NONE : plan.acks();
    }

    private void findLeader() {
      waiting = true;
      link(anyBroker())
          .<Integer>call(
              1_000 * MS,
              (process, answer) -> {
                PartitionImage state = process.metadata().image().partition(partition);
                answer.complete(state == null ? PartitionImage.NO_LEADER : state.leader());
              },
              reply -> {
                waiting = false;
                Integer found = reply.answer();
                if (found != null && found != PartitionImage.NO_LEADER) {
                  leader = found;
                  send();
                } else {
                  waiting = true;
                  loop.schedule(
                      100 * MS,
                      () -> {
                        waiting = false;
                        send();
                      });
                }
              });
    }
  }
}
