package io.kontiki.broker.group;

import io.kontiki.broker.api.StartSpec;
import io.kontiki.broker.group.Delivery.State;
import io.kontiki.model.ApiError;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Delivery of the partitions that a client knows to be its own: records go out while the client
 * takes them and the flow allows; pauses, seeks and lost places change where it goes on. Lives on
 * the stream's loop.
 */
final class Deliveries implements Fetching.Outcome {
  private final Subscription subscription;
  private final Outbox outbox;
  private final PlaceFinder finder;
  private final Failed failed;
  private final Flow flow;
  private final Feed feed;
  private final Fetching fetching;
  private final TreeMap<Named, Delivery> byName = new TreeMap<>();
  private final TreeMap<Named, Delivery> draining = new TreeMap<>();
  private boolean stopped;
  private boolean pumping;

  /** The stream cannot go on. */
  interface Failed {
    void fail(ApiError error);
  }

  /**
   * @param fetching makes the part that tells this one of what it fetched
   */
  Deliveries(
      Subscription subscription,
      Outbox outbox,
      PlaceFinder finder,
      Function<Fetching.Outcome, Fetching> fetching,
      Failed failed) {
    this.subscription = subscription;
    this.outbox = outbox;
    this.finder = finder;
    this.failed = failed;
    this.flow = new Flow(subscription.windowBytes(), subscription.creditBytes());
    this.feed = new Feed(flow);
    this.fetching = fetching.apply(this);
  }

  Flow flow() {
    return flow;
  }

  /** Those that have to go; a copy. */
  List<Delivery> draining() {
    return draining.isEmpty() ? List.of() : new ArrayList<>(draining.values());
  }

  @Nullable Delivery get(Named name) {
    return byName.get(name);
  }

  void add(Delivery delivery) {
    byName.put(delivery.name, delivery);
    begin(delivery);
  }

  private void begin(Delivery delivery) {
    if (!subscription.assignmentsOnly()
        && !stopped
        && !delivery.looking
        && delivery.state == State.DELIVERING) {
      fetching.start(delivery);
    }
  }

  void remove(Delivery delivery) {
    halt(delivery);
    byName.remove(delivery.name);
    draining.remove(delivery.name);
    flow.freed(delivery.uncommitted.cutAt(-1));
  }

  /** Nothing of it is sent from here on. */
  private void halt(Delivery delivery) {
    delivery.looking = false;
    delivery.looks++;
    fetching.stop(delivery);
  }

  /** It has to go. */
  void drain(Delivery delivery) {
    halt(delivery);
    delivery.state = State.DRAINING;
    draining.put(delivery.name, delivery);
  }

  /** It need not go after all, and the client was not told. */
  void keep(Delivery delivery) {
    draining.remove(delivery.name);
    delivery.state = State.DELIVERING;
    begin(delivery);
  }

  void pause(Delivery delivery) {
    if (delivery.state == State.DELIVERING) {
      delivery.state = State.PAUSED;
      fetching.stop(delivery);
    }
  }

  void resume(Delivery delivery) {
    if (delivery.state == State.PAUSED) {
      delivery.state = State.DELIVERING;
      begin(delivery);
    }
  }

  /** Goes elsewhere because the client says so. */
  void seek(Delivery delivery, StartSpec to) {
    if (delivery.state != State.DRAINING) {
      look(delivery, to, false);
    }
  }

  @Override
  public void outOfRange(Delivery delivery, ApiError proof) {
    switch (subscription.outOfRange()) {
      case EARLIEST -> look(delivery, new StartSpec.Earliest(), true);
      case LATEST -> look(delivery, new StartSpec.Latest(), true);
      case ERROR ->
          failed.fail(
              proof
                  .with("topic", delivery.name.topic())
                  .with("partition", delivery.name.partition()));
    }
  }

  private void look(Delivery delivery, StartSpec to, boolean outOfRange) {
    long previous = delivery.position;
    fetching.stop(delivery);
    delivery.looking = true;
    int look = ++delivery.looks;
    finder.find(
        delivery.id,
        delivery.name,
        to,
        () -> delivery.looks == look && !stopped,
        place -> {
          if (delivery.looks == look && !stopped) {
            delivery.looking = false;
            moved(delivery, place, outOfRange, previous);
          }
        });
  }

  private void moved(Delivery delivery, Place place, boolean outOfRange, long previous) {
    if (outOfRange && place.offset() == previous) {
      begin(delivery); // it lies in the log again, or does so soon
      fetching.later(delivery);
      return;
    }
    flow.freed(delivery.moveTo(place));
    outbox.send(new ConsumeEvent.Repositioned(place, outOfRange, outOfRange ? previous : -1));
    begin(delivery);
    pump();
  }

  /** A commit has come. */
  void commit(Delivery delivery, long offset) {
    flow.freed(delivery.onCommit(offset));
  }

  /** No more records are sent. */
  void stop() {
    stopped = true;
    byName.values().forEach(this::halt);
  }

  /** Whether delivered records wait for their commit. */
  boolean open() {
    return byName.values().stream().anyMatch(Delivery::open);
  }

  @Override
  public void ready(Delivery delivery) {
    feed.ready(delivery);
  }

  @Override
  public void pump() {
    if (pumping) {
      return;
    }
    pumping = true;
    while (!stopped && outbox.clear() && step()) {}
    pumping = false;
  }

  /** Does one thing; false if there is nothing to do before something comes. */
  private boolean step() {
    Feed.Taken taken = feed.idle() ? null : feed.next(contenders());
    if (taken == null) {
      return fetching.step(flow.open());
    }
    if (taken.delivery().chunks.isEmpty()) {
      fetching.emptied(taken.delivery());
    }
    outbox.send(new ConsumeEvent.Records(taken.delivery().name.topic(), taken.chunk()));
    return true;
  }

  private int contenders() {
    int count = 0;
    for (Delivery delivery : byName.values()) {
      count += delivery.contends() ? 1 : 0;
    }
    return count;
  }
}
