package io.kontiki.chaos.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One run: random steps whose weights are drawn per seed, so that many faults are rare or absent,
 * then healing, which must converge. The promises are looked at after every step.
 */
final class Model {
  private static final int STEPS = 400;

  /** Few values, so that offsets are used again. */
  private static final int MOST_VALUES = 14;

  private static final int[] WEIGHTS = {10, 14, 14, 3, 3, 5, 2, 3, 3, 3, 4, 8, 3, 4, 2};

  private final Rules rules;
  private final Random random;
  private final boolean traced;
  private final List<String> trace = new ArrayList<>();
  private final Controller controller;
  private final Network network;
  private final List<Broker> brokers = new ArrayList<>();
  private final Promises promises;
  private final int[] weights;
  private int nextValue = 1;
  private int lossyStops;
  private long steps;
  private boolean healing;

  /**
   * What came of a seed.
   *
   * @param broken the promise that broke, or null
   * @param stuck why it did not heal, or null
   * @param recovered whether somebody was elected who need not hold what was committed
   */
  record Result(
      @Nullable String broken, @Nullable String stuck, boolean recovered, List<String> trace) {
    boolean good() {
      return broken == null && stuck == null;
    }
  }

  private Model(long seed, Rules rules, boolean traced) {
    this.rules = rules;
    this.traced = traced;
    this.random = new Random(seed);
    this.promises = new Promises(this);
    this.network = new Network(this, random);
    this.controller = new Controller(this, random.nextInt(Rules.BROKERS));
    for (int i = 0; i < Rules.BROKERS; i++) {
      brokers.add(new Broker(this, i, controller.now().brokerEpochs[i]));
    }
    controller.commit();
    this.weights = weights();
  }

  private int[] weights() {
    int[] drawn = new int[WEIGHTS.length];
    for (int i = 0; i < drawn.length; i++) {
      int weight = WEIGHTS[i] * 8;
      drawn[i] =
          switch (random.nextInt(7)) {
            case 0 -> weight / 8;
            case 1 -> weight / 4;
            case 2 -> weight / 2;
            case 4 -> weight * 2;
            case 5 -> weight * 4;
            default -> weight;
          };
      boolean fault = i == 3 || i == 4 || i >= 6 && i <= 9 || i == 12;
      if (fault && random.nextInt(4) == 0) {
        drawn[i] = 0;
      }
    }
    return drawn;
  }

  /** Plays a seed. */
  static Result run(long seed, Rules rules) {
    return new Model(seed, rules, false).run();
  }

  /** Plays a seed and writes down what happens. */
  static Result traced(long seed, Rules rules) {
    return new Model(seed, rules, true).run();
  }

  private Result run() {
    while (promises.broken() == null && steps < STEPS) {
      step();
    }
    String stuck = promises.broken() == null ? heal() : null;
    return new Result(promises.broken(), stuck, controller.recovered(), trace);
  }

  Rules rules() {
    return rules;
  }

  Random random() {
    return random;
  }

  int anyOf(List<Integer> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  Controller controller() {
    return controller;
  }

  Network network() {
    return network;
  }

  List<Broker> brokers() {
    return brokers;
  }

  Broker broker(int id) {
    return brokers.get(id);
  }

  Promises promises() {
    return promises;
  }

  boolean mayProduce() {
    return nextValue <= MOST_VALUES || healing;
  }

  int nextValue() {
    return nextValue++;
  }

  void onLossyStop() {
    lossyStops++;
  }

  void check() {
    promises.check();
  }

  void trace(Supplier<String> what) {
    if (traced) {
      trace.add(steps + " " + what.get());
    }
  }

  private void step() {
    steps++;
    int action = draw();
    Broker broker = brokers.get(random.nextInt(Rules.BROKERS));
    switch (action) {
      case 0 -> produce();
      case 1 -> broker.fetch();
      case 2 -> network.deliverOne();
      case 3 -> network.loseOne();
      case 4 -> broker.shrink();
      case 5 -> broker.learn();
      case 6 -> {
        if (random.nextInt(3) == 0 && broker.up()) {
          controller.fence(broker.id()); // its session ended though it lives
        }
      }
      case 7 -> {
        if (random.nextInt(3) == 0) {
          broker.kill();
        }
      }
      case 8 -> {
        if (random.nextInt(3) == 0 && lossyStops < rules.lossyStops()) {
          broker.powerCut();
        }
      }
      case 9 -> {
        if (random.nextInt(4) == 0) {
          broker.stopCleanly();
        }
      }
      case 10 -> broker.start();
      case 11 -> judge(broker);
      case 12 -> {
        if (broker.up()) {
          broker.sync();
        }
      }
      case 13 -> brokers.stream().filter(Broker::leads).forEach(promises::consume);
      default -> {
        if (random.nextBoolean()) {
          brokers.forEach(Broker::onProposalTimeout);
        } else {
          controller.recover();
        }
      }
    }
    check();
  }

  private int draw() {
    int total = 0;
    for (int weight : weights) {
      total += weight;
    }
    int left = random.nextInt(total);
    int action = 0;
    while (left >= weights[action]) {
      left -= weights[action++];
    }
    return action;
  }

  private void produce() {
    for (Broker broker : brokers) {
      if (broker.leads() && random.nextInt(2) == 0) {
        broker.produce();
        return;
      }
    }
  }

  private void judge(Broker broker) {
    if (broker.mayServe() && controller.now().isFenced(broker.id())) {
      controller.unfence(broker.id());
    } else if (!broker.up()) {
      controller.fence(broker.id());
    }
  }

  /** No more faults; null if all is well within a bound. */
  private @Nullable String heal() {
    healing = true;
    for (int round = 0; round < 400 && promises.broken() == null; round++) {
      for (Broker broker : brokers) {
        broker.start();
        for (int i = 0; i < 6; i++) {
          broker.learn();
        }
        if (controller.now().isFenced(broker.id()) && broker.mayServe()) {
          controller.unfence(broker.id());
        }
        broker.sync();
        broker.fetch();
        broker.onProposalTimeout();
      }
      controller.recover();
      for (int i = 0; i < 3; i++) {
        network.deliverAll();
      }
      if (round % 20 == 10) {
        brokers.forEach(Broker::produce);
      }
      check();
      steps++;
      if (round > 60 && healed()) {
        return null;
      }
    }
    return promises.broken() != null ? null : "not healed: " + controller.now() + " " + logs();
  }

  private List<String> logs() {
    return brokers.stream().map(broker -> broker + ": " + broker.log()).toList();
  }

  private boolean healed() {
    Metadata metadata = controller.now();
    if (metadata.leader == Metadata.NO_LEADER || metadata.isr != Members.ALL) {
      return false;
    }
    BrokerLog leader = broker(metadata.leader).log();
    return leader.highWatermark() == leader.end()
        && brokers.stream()
            .allMatch(
                broker ->
                    broker.log().entries().equals(leader.entries())
                        && broker.log().highWatermark() >= leader.highWatermark());
  }
}
