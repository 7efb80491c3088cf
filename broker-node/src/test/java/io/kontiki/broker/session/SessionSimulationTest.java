package io.kontiki.broker.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kontiki.broker.session.ControllerAction.DialResult;
import io.kontiki.broker.session.ControllerAction.ProposalResult;
import io.kontiki.metadata.BrokerImage;
import io.kontiki.metadata.BrokerImage.Endpoints;
import io.kontiki.metadata.BrokerImage.State;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.MetadataMachine;
import io.kontiki.metadata.PartitionImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import io.kontiki.model.Uid;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Broker sessions, the metadata leader's judgement and the state machine together on virtual time:
 * random delays, broken streams, pauses, kills and unknown outcomes. Checked: nobody who is fenced
 * holds a lease (R5, M14); nobody holds one who still takes itself for a leader that was replaced a
 * lease ago (P7); when the faults end, everybody is active again.
 */
class SessionSimulationTest {
  private static final long MS = 1_000_000;
  private static final int LEADER = 1;
  private static final long TERM = 3;

  @Test
  void nobodyWhoIsFencedHoldsALeaseAndAllComeBackWhenFaultsEnd() {
    int fences = 0;
    int staleLeaders = 0;
    for (long seed = 0; seed < Integer.getInteger("kontiki.seeds", 150); seed++) {
      try {
        World world = new World(seed);
        fences += world.run();
        staleLeaders += world.staleLeaders;
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    assertTrue(fences > 500, "only " + fences + " fences: the faults do nothing");
    assertTrue(staleLeaders > 500, "only " + staleLeaders + " looks at leaders that were replaced");
  }

  /** One seed, for whoever looks for what this test notices. */
  static void playSeed(long seed) {
    new World(seed).run();
  }

  @Test
  void aKilledBrokerIsFencedWithinThreeTenthsOfASecondR6() {
    World world = new World(1);
    world.faults = false;
    world.start();
    world.runTo(3000);
    world.kill(2);
    world.runTo(3300);
    assertEquals(State.FENCED, world.image.brokers().get(2).state());
    assertEquals(State.ACTIVE, world.image.brokers().get(3).state());
  }

  @Test
  void aFrozenBrokerIsFencedAfterItsSessionAndAStoppingOneAtOnceR4R7() {
    World world = new World(2);
    world.faults = false;
    world.start();
    world.runTo(3000);
    world.processes.get(2).pausedUntil = 60_000;
    world.runTo(4400);
    assertEquals(State.ACTIVE, world.image.brokers().get(2).state());
    world.runTo(5000);
    assertEquals(State.FENCED, world.image.brokers().get(2).state());
    Process third = world.processes.get(3);
    world.perform(third, third.session.onStopRequested(world.at()));
    world.runTo(6000);
    assertEquals(State.FENCED, world.image.brokers().get(3).state());
    assertTrue(third.stopped && !third.up);
  }

  private record Event(long at, long order, Runnable what) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      return at != other.at ? Long.compare(at, other.at) : Long.compare(order, other.order);
    }
  }

  private static final class Process {
    final int id;
    final Uid incarnation;
    final BrokerSession session;
    final long number;
    boolean up = true;
    boolean stopped;
    boolean unhealthy;
    long pausedUntil;
    long imagesLagUntil;
    ClusterImage seen = ClusterImage.EMPTY;
    Lease lease = Lease.NONE;

    Process(int id, long number) {
      this.id = id;
      this.number = number;
      this.incarnation = new Uid(9, number);
      this.session = new BrokerSession(BrokerSessionTest.TIMING, List.of(1, 2, 3));
    }
  }

  private static final class World {
    final Random random;
    final PriorityQueue<Event> events = new PriorityQueue<>();
    final TreeMap<Integer, Process> processes = new TreeMap<>();
    final ControllerSessions controller = new ControllerSessions(BrokerSessionTest.TIMING, LEADER);
    // Streams as the leader names them: process number * 10,000 + the broker's own number.
    final TreeMap<Long, Long> lastDelivery = new TreeMap<>();
    final TreeMap<Long, Boolean> dead = new TreeMap<>();
    ClusterImage image = ClusterImage.EMPTY;
    boolean faults = true;
    long now;
    long order;
    long number;
    long logTail;
    long controllerPausedUntil;
    int fences;
    int staleLeaders;
    final TreeMap<Integer, Long> electedAt = new TreeMap<>();

    World(long seed) {
      random = new Random(seed);
      List<VoterImage> voters = new ArrayList<>();
      for (int id = 1; id <= 3; id++) {
        voters.add(new VoterImage(id, new Endpoint("h", id), new Uid(1, id)));
      }
      image =
          MetadataMachine.apply(
                  image, 1, new MetadataCommand.FormCluster(1, new Uid(7, 7), 1, voters, 1))
              .image();
    }

    int run() {
      start();
      runTo(30_000);
      faults = false;
      for (int id = 1; id <= 3; id++) {
        if (processes.get(id).unhealthy) {
          kill(id);
        }
        if (!processes.get(id).up) {
          boot(id);
        }
      }
      // The longest pause may just have begun, and so may a session that ends after it.
      runTo(30_000 + 4_000 + 6_000);
      for (BrokerImage broker : image.brokers().values()) {
        assertEquals(State.ACTIVE, broker.state(), "broker " + broker.id());
        assertTrue(
            processes.get(broker.id()).lease.held(now * MS, now),
            "broker " + broker.id() + " without lease");
      }
      return fences;
    }

    void start() {
      leader(() -> controller.onLeaderStart(TERM, -1, image, at()));
      for (int id = 1; id <= 3; id++) {
        boot(id);
      }
      every(20, () -> leader(() -> controller.onTick(at())));
      every(100, this::fault);
      every(400, this::moveLeadership);
      every(20, this::checkDeposed);
    }

    static final PartitionId PARTITION = new PartitionId(new TopicId(3, 3), 0);

    void moveLeadership() {
      PartitionImage partition = image.partition(PARTITION);
      if (partition == null) {
        append(
            new MetadataCommand.CreateTopic(
                now,
                PARTITION.topicId(),
                "t",
                new TreeMap<>(Map.of("min.insync.replicas", "1")),
                List.of(List.of(1, 2, 3))),
            outcome -> {});
        return;
      }
      List<MetadataCommand.IsrMember> members = new ArrayList<>();
      for (BrokerImage broker : image.brokers().values()) {
        if (broker.state() == State.ACTIVE || partition.isr().contains(broker.id())) {
          members.add(new MetadataCommand.IsrMember(broker.id(), broker.epoch()));
        }
      }
      if (random.nextBoolean()) {
        append(
            new MetadataCommand.MoveLeaders(
                now,
                List.of(
                    new MetadataCommand.LeaderMove(
                        PARTITION,
                        1 + random.nextInt(3),
                        partition.leaderEpoch(),
                        partition.partitionEpoch()))),
            outcome -> {});
      } else if (partition.leader() != PartitionImage.NO_LEADER) {
        append(
            new MetadataCommand.AlterPartitions(
                now,
                partition.leader(),
                image.brokers().get(partition.leader()).epoch(),
                List.of(
                    new MetadataCommand.IsrChange(
                        PARTITION, partition.leaderEpoch(), partition.partitionEpoch(), members))),
            outcome -> {});
      }
    }

    /**
     * P7: who can do without a follower can do so 2 s after its election; the lease ends before.
     */
    void checkDeposed() {
      PartitionImage truth = image.partition(PARTITION);
      for (Process process : processes.values()) {
        PartitionImage seen = process.seen.partition(PARTITION);
        BrokerImage self = process.seen.brokers().get(process.id); // without it no role (R1)
        if (truth == null
            || seen == null
            || !process.up
            || now < process.pausedUntil
            || self == null
            || !self.incarnation().equals(process.incarnation)
            || seen.leader() != process.id
            || seen.leaderEpoch() == truth.leaderEpoch()) {
          continue;
        }
        long since = now - electedAt.get(seen.leaderEpoch() + 1);
        staleLeaders += since > 1200 ? 1 : 0;
        assertTrue(
            since <= 1200 || !process.lease.held(now * MS, now),
            "broker "
                + process.id
                + " was replaced "
                + since
                + " ms ago and has a lease at "
                + now);
      }
    }

    void runTo(long end) {
      while (!events.isEmpty() && events.peek().at() <= end) {
        Event event = events.remove();
        now = event.at();
        event.what().run();
      }
      now = end;
    }

    Now at() {
      return new Now(now * MS, now);
    }

    void after(long ms, Runnable what) {
      events.add(new Event(now + ms, ++order, what));
    }

    void every(long ms, Runnable what) {
      after(
          ms,
          () -> {
            what.run();
            every(ms, what);
          });
    }

    long delay() {
      return faults && random.nextInt(100) == 0 ? random.nextInt(900) : 1 + random.nextInt(5);
    }

    void fault() {
      if (!faults) {
        return;
      }
      int id = 1 + random.nextInt(3);
      Process process = processes.get(id);
      switch (random.nextInt(60)) {
        case 0, 1 -> kill(id);
        case 2 -> process.pausedUntil = now + random.nextInt(4_000);
        case 8, 9 -> process.imagesLagUntil = now + random.nextInt(4_000);
        case 3 -> controllerPausedUntil = now + random.nextInt(4_000);
        case 4, 5, 6 -> {
          for (long stream : List.copyOf(lastDelivery.keySet())) {
            if (stream / 10_000 == process.number) {
              breakStream(process, stream);
            }
          }
        }
        case 7 -> {
          if (process.up) {
            process.unhealthy = true;
            perform(process, process.session.onStopRequested(at()));
          }
        }
        default -> {
          if (!process.up) {
            boot(id);
          }
        }
      }
    }

    void boot(int id) {
      Process process = new Process(id, ++number);
      processes.put(id, process);
      every(20, () -> broker(process, () -> process.session.onTick(at())));
      after(
          50 + random.nextInt(300),
          () -> broker(process, () -> process.session.onRecovered(List.of(), at())));
      tell(process);
    }

    void kill(int id) {
      Process process = processes.get(id);
      process.up = false;
      for (long stream : List.copyOf(lastDelivery.keySet())) {
        if (stream / 10_000 == process.number) {
          breakStream(process, stream);
        }
      }
    }

    void breakStream(Process process, long stream) {
      if (dead.put(stream, true) == null) {
        after(delay(), () -> leader(() -> controller.onBroken(stream, at())));
        after(
            delay(), () -> broker(process, () -> process.session.onBroken(stream % 10_000, at())));
      }
    }

    /** Runs on a broker, later if it is paused, not at all if it is down. */
    void broker(Process process, Supplier<List<BrokerAction>> event) {
      if (!process.up) {
        return;
      }
      if (now < process.pausedUntil) {
        after(process.pausedUntil - now, () -> broker(process, event));
        return;
      }
      perform(process, event.get());
    }

    void leader(Supplier<List<ControllerAction>> event) {
      if (now < controllerPausedUntil) {
        after(controllerPausedUntil - now, () -> leader(event));
        return;
      }
      event.get().forEach(this::perform);
    }

    /** Messages of one stream keep their order. */
    void onStream(long stream, Runnable what) {
      long at = Math.max(lastDelivery.getOrDefault(stream, 0L), now + delay());
      lastDelivery.put(stream, at);
      after(
          at - now,
          () -> {
            if (!dead.containsKey(stream)) {
              what.run();
            }
          });
    }

    void perform(Process process, List<BrokerAction> actions) {
      for (BrokerAction action : actions) {
        if (action instanceof BrokerAction.SendRegister) {
          register(process);
        } else if (action instanceof BrokerAction.OpenSession open) {
          long stream = process.number * 10_000 + open.stream();
          lastDelivery.put(stream, now);
          if (open.voterId() == LEADER) {
            onStream(
                stream,
                () ->
                    leader(() -> controller.onOpen(stream, process.id, open.brokerEpoch(), at())));
          } else {
            after(
                delay(),
                () ->
                    broker(process, () -> process.session.onRedirect(open.stream(), LEADER, at())));
          }
        } else if (action instanceof BrokerAction.SendHeartbeat beat) {
          long stream = process.number * 10_000 + beat.stream();
          onStream(
              stream, () -> leader(() -> controller.onHeartbeat(stream, beat.heartbeat(), at())));
        } else if (action instanceof BrokerAction.CloseSession close) {
          breakStream(process, process.number * 10_000 + close.stream());
        } else if (action instanceof BrokerAction.LeaseRenewed renewed) {
          process.lease = renewed.lease();
          checkLease(process);
        } else if (action instanceof BrokerAction.LeaseLost) {
          process.lease = Lease.NONE;
        } else if (action instanceof BrokerAction.FinishedStop) {
          process.stopped = true;
          process.lease = Lease.NONE;
          kill(process.id);
        } else if (action instanceof BrokerAction.Refused refused) {
          throw new AssertionError(refused.error().toString());
        }
      }
    }

    void register(Process process) {
      Endpoint at = new Endpoint("h" + process.id, 7601);
      MetadataCommand command =
          new MetadataCommand.RegisterBroker(
              now,
              process.id,
              image.clusterId(),
              new Uid(1, process.id),
              process.incarnation,
              new Endpoints(at, at, at, at, null),
              -1,
              "1");
      boolean lost = faults && random.nextInt(5) == 0;
      if (lost && random.nextBoolean()) {
        after(delay(), () -> broker(process, () -> process.session.onRegisterFailed(at())));
        return;
      }
      append(
          command,
          outcome ->
              after(
                  delay(),
                  () ->
                      broker(
                          process,
                          () ->
                              lost
                                  ? process.session.onRegisterFailed(at())
                                  : process.session.onRegistered(
                                      ((CommandOutcome.Number) outcome).value(), at()))));
    }

    /** Into the log now, applied soon, in order. */
    void append(MetadataCommand command, Consumer<CommandOutcome> then) {
      logTail = Math.max(logTail, now + delay());
      after(
          logTail - now,
          () -> {
            boolean fence = command instanceof MetadataCommand.FenceBroker;
            var result = MetadataMachine.apply(image, image.index() + 1, command);
            image = result.image();
            PartitionImage partition = image.partition(PARTITION);
            if (partition != null) {
              electedAt.putIfAbsent(partition.leaderEpoch(), now);
            }
            if (fence) {
              fences++;
              processes.values().forEach(this::checkLeaseAtFence);
            }
            leader(() -> controller.onImage(image, at()));
            processes.values().forEach(this::tell);
            then.accept(result.outcome());
          });
    }

    void tell(Process process) {
      after(
          delay() + Math.max(0, process.imagesLagUntil - now),
          () ->
              broker(
                  process,
                  () -> {
                    process.seen = image;
                    return process.session.onImage(
                        BrokerFacts.of(image, process.id, process.incarnation), at());
                  }));
    }

    void perform(ControllerAction action) {
      if (action instanceof ControllerAction.Answer answer) {
        Process process = of(answer.stream());
        onStream(
            answer.stream(),
            () ->
                broker(
                    process,
                    () ->
                        process.session.onAnswer(
                            answer.stream() % 10_000,
                            answer.sequence(),
                            answer.unfenced(),
                            answer.othersApplied(),
                            at())));
      } else if (action instanceof ControllerAction.Unknown unknown) {
        Process process = of(unknown.stream());
        after(
            delay(),
            () ->
                broker(process, () -> process.session.onUnknown(unknown.stream() % 10_000, at())));
      } else if (action instanceof ControllerAction.Close close) {
        breakStream(of(close.stream()), close.stream());
      } else if (action instanceof ControllerAction.ConfirmLeadership) {
        boolean fails = faults && random.nextInt(20) == 0;
        after(delay(), () -> leader(() -> controller.onConfirmed(fails ? -1 : TERM, at())));
      } else if (action instanceof ControllerAction.Propose propose) {
        propose(propose);
      } else if (action instanceof ControllerAction.Dial dial) {
        Process there = processes.get(dial.brokerId());
        DialResult result =
            faults && random.nextInt(4) == 0
                ? DialResult.TIMEOUT
                : !there.up
                    ? DialResult.REFUSED
                    : there.incarnation.equals(dial.incarnation())
                        ? DialResult.ANSWERED
                        : DialResult.OTHER_INCARNATION;
        after(
            20 + random.nextInt(180),
            () -> leader(() -> controller.onDialed(dial.dial(), result, at())));
      } else {
        throw new AssertionError("unexpected " + action);
      }
    }

    void propose(ControllerAction.Propose propose) {
      int luck = faults ? random.nextInt(12) : 11;
      if (luck == 0) {
        after(
            delay(),
            () ->
                leader(
                    () -> controller.onProposed(propose.proposal(), ProposalResult.NOT_APPENDED)));
        return;
      }
      boolean unknown = luck == 1;
      append(
          propose.command(),
          outcome -> {
            if (!unknown) {
              leader(() -> controller.onProposed(propose.proposal(), ProposalResult.APPLIED));
            }
          });
      if (unknown) {
        leader(() -> controller.onProposed(propose.proposal(), ProposalResult.UNKNOWN));
      }
    }

    Process of(long stream) {
      for (Process process : processes.values()) {
        if (process.number == stream / 10_000) {
          return process;
        }
      }
      Process gone = new Process(0, stream / 10_000);
      gone.up = false;
      return gone;
    }

    void checkLeaseAtFence(Process process) {
      BrokerImage broker = image.brokers().get(process.id);
      if (broker != null && broker.state() == State.FENCED) {
        checkLease(process);
      }
    }

    void checkLease(Process process) {
      BrokerImage broker = image.brokers().get(process.id);
      if (process.up
          && broker != null
          && broker.incarnation().equals(process.incarnation)
          && broker.state() == State.FENCED) {
        assertTrue(
            !process.lease.held(now * MS, now),
            "broker " + process.id + " is fenced and has a lease at " + now);
      }
    }
  }
}
