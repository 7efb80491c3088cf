package io.kontiki.client;

import io.grpc.Status;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the cluster for the topics that the client uses, at two brokers at once, and tells of
 * every change as soon as the first of the two does. One that freezes keeps its connections and
 * says nothing, like one that has nothing to say; the other tells that it lost its leaderships, and
 * that it is fenced. Then its place is taken by a third. Used on the loop alone.
 *
 * <p>A new topic means new streams; the old ones stay until those have told everything once. A
 * stream that says nothing for 15 s (brokers send a heartbeat after 10 s) is replaced, too; so is
 * one to a broker that somebody found silent.
 */
final class ClusterWatch implements WatchStream.Handler {
  /** Told of each complete view. */
  interface Listener {
    void onView(ClusterView view);
  }

  private static final Logger log = LoggerFactory.getLogger(ClusterWatch.class);
  private static final long SILENCE_NANOS = 15_000_000_000L;
  private static final long TICK_NANOS = 1_000_000_000L;

  /** Until the first complete view, for which a broker waits up to 2 s; doubled twice. */
  private static final long OPENING_NANOS = 3_000_000_000L;

  /** A suspicion moves a place at most so often: a broker may be slow, and not be frozen. */
  private static final long MOVE_NANOS = 2_000_000_000L;

  /** Between tries for a second stream when there has been none at any broker. */
  private static final long SPARE_PAUSE_NANOS = 1_000_000_000L;

  /** One of the two: the stream that tells, and the one that shall take over from it. */
  private static final class Place {
    private final Backoff backoff;
    private @Nullable WatchStream telling;
    private @Nullable WatchStream opening;

    /** Limits the opening, or ends the pause before the next. */
    private EventLoop.@Nullable Timer timer;

    private int failures;

    /** When a suspicion last moved it; 0: never. */
    private long movedNanos;

    Place(RandomSource random) {
      this.backoff = new Backoff(random);
    }

    private void stopTimer() {
      if (timer != null) {
        timer.cancel();
        timer = null;
      }
    }

    private void abandonOpening() {
      stopTimer();
      if (opening != null) {
        opening.cancel();
        opening = null;
      }
    }

    private void leave() {
      abandonOpening();
      if (telling != null) {
        telling.cancel();
        telling = null;
      }
    }

    private boolean isPausing() {
      return opening == null && timer != null;
    }
  }

  private final EventLoop loop;
  private final Channels channels;
  private final BrokerList brokers;
  private final List<Place> places;
  private final List<Listener> listeners = new ArrayList<>();
  private final Set<String> topics = new TreeSet<>();
  private ClusterView view = ClusterView.EMPTY;
  private EventLoop.@Nullable Timer tick;
  private boolean renewalIsDue;
  private boolean closed;

  ClusterWatch(EventLoop loop, Channels channels, BrokerList brokers, RandomSource random) {
    this.loop = loop;
    this.channels = channels;
    this.brokers = brokers;
    this.places = List.of(new Place(random), new Place(random));
  }

  /** As far as it is known; at the beginning empty. */
  ClusterView view() {
    return view;
  }

  /** Tells somebody from now on. */
  void listen(Listener listener) {
    listeners.add(listener);
  }

  /** Tells somebody no more. */
  void ignore(Listener listener) {
    listeners.remove(listener);
  }

  /** From now on this topic matters. */
  void watch(String topic) {
    if (topics.add(topic) && !renewalIsDue && !closed) {
      renewalIsDue = true;
      // At the end of the turn, so that several topics at once cost one stream.
      loop.execute(this::renew);
    }
  }

  /**
   * A broker owes an answer: if a stream runs there that has told nothing since, another broker is
   * asked, too.
   *
   * @param sinceNanos when it was asked
   */
  void suspect(Endpoint endpoint, long sinceNanos) {
    long now = loop.clock().nanoTime();
    for (Place place : places) {
      WatchStream newest = place.opening == null ? place.telling : place.opening;
      if (newest == null
          || !newest.endpoint().equals(endpoint)
          || newest.lastMessageNanos() - sinceNanos > 0
          || (place.movedNanos != 0 && now - place.movedNanos < MOVE_NANOS)) {
        continue;
      }
      Endpoint other = another(place, endpoint);
      if (other != null && brokers.serves(other)) {
        place.movedNanos = now;
        log.info("Broker {} is silent; watching the cluster at {}", endpoint, other);
        brokers.passOver(endpoint);
        open(place, other);
      }
    }
  }

  /** Where a stream runs or is being opened; for tests. */
  List<Endpoint> watched() {
    return places.stream().flatMap(place -> endpoints(place).stream()).toList();
  }

  void close() {
    closed = true;
    if (tick != null) {
      tick.cancel();
    }
    places.forEach(Place::leave);
  }

  private void renew() {
    renewalIsDue = false;
    if (closed) {
      return;
    }
    if (tick == null) {
      tick();
    }
    for (Place place : places) {
      WatchStream telling = place.telling;
      Endpoint endpoint = telling == null ? another(place, null) : telling.endpoint();
      if (endpoint != null) {
        open(place, endpoint);
      }
    }
  }

  private void open(Place place, Endpoint endpoint) {
    place.abandonOpening();
    WatchStream stream = new WatchStream(endpoint, topics, loop, this);
    place.opening = stream;
    place.timer =
        loop.schedule(OPENING_NANOS << Math.min(place.failures, 2), () -> onLate(place, stream));
    stream.start(channels);
  }

  /**
   * A broker for a place that the other one does not have; null: there is none.
   *
   * @param not better not this one
   */
  private @Nullable Endpoint another(Place place, @Nullable Endpoint not) {
    List<Endpoint> taken = new ArrayList<>();
    for (Place each : places) {
      if (each != place) {
        taken.addAll(endpoints(each));
      }
    }
    if (not != null) {
      taken.add(not);
    }
    return brokers.pick(taken);
  }

  private static Collection<Endpoint> endpoints(Place place) {
    Set<Endpoint> all = new LinkedHashSet<>();
    if (place.telling != null) {
      all.add(place.telling.endpoint());
    }
    if (place.opening != null) {
      all.add(place.opening.endpoint());
    }
    return all;
  }

  private @Nullable Place placeOf(WatchStream stream) {
    for (Place place : places) {
      if (place.telling == stream || place.opening == stream) {
        return place;
      }
    }
    return null;
  }

  @Override
  public void onComplete(WatchStream stream, ClusterView newest) {
    Place place = placeOf(stream);
    if (place == null) {
      return;
    }
    if (place.opening == stream) {
      place.opening = null;
      place.leave();
      place.telling = stream;
      place.failures = 0;
      place.backoff.reset();
    }
    if (isNews(place, newest)) {
      view = newest;
      brokers.learn(view);
      List.copyOf(listeners).forEach(listener -> listener.onView(view));
    }
    settle();
  }

  /**
   * Of two streams the slower repeats what the faster has told, and one may still be without the
   * newest topics.
   */
  private boolean isNews(Place from, ClusterView newest) {
    if (!newest.isOfSameCluster(view)) {
      // Two clusters in one bootstrap list: the first one counts as long as it is there.
      return places.stream()
          .map(place -> place == from ? null : place.telling)
          .noneMatch(other -> other != null && other.view().isOfSameCluster(view));
    }
    return newest.known().containsAll(view.known()) && newest.replaces(view);
  }

  /** Both places are at brokers that serve, as far as there are such. */
  private void settle() {
    for (Place place : places) {
      WatchStream telling = place.telling;
      boolean well = telling != null && brokers.serves(telling.endpoint());
      if (closed || well || place.opening != null || place.isPausing()) {
        continue;
      }
      Endpoint better = another(place, telling == null ? null : telling.endpoint());
      if (better != null && (telling == null || brokers.serves(better))) {
        open(place, better);
      }
    }
  }

  private void onLate(Place place, WatchStream stream) {
    if (place.opening == stream) {
      log.info("Broker {} does not say who leads; asking another one", stream.endpoint());
      stream.cancel();
      onFailed(place, stream.endpoint());
    }
  }

  @Override
  public void onEnd(WatchStream stream, Status status) {
    Place place = placeOf(stream);
    if (place == null || closed) {
      return;
    }
    log.debug("Watch at {} ended: {}", stream.endpoint(), status);
    if (place.opening == stream) {
      onFailed(place, stream.endpoint());
      return;
    }
    place.telling = null;
    brokers.passOver(stream.endpoint());
    if (place.opening == null) {
      // It was alive until now: another broker is asked at once.
      place.stopTimer();
      reopen(place, stream.endpoint());
    }
  }

  private void onFailed(Place place, Endpoint endpoint) {
    place.abandonOpening();
    place.failures++;
    brokers.passOver(endpoint);
    long now = loop.clock().nanoTime();
    place.backoff.pause(now);
    boolean informed = places.stream().anyMatch(each -> each.telling != null);
    long wait = place.backoff.leftNanos(now);
    if (place.failures < brokers.size()) {
      wait = 0;
    } else if (informed) {
      wait = SPARE_PAUSE_NANOS;
    }
    place.timer =
        loop.schedule(
            wait,
            () -> {
              place.timer = null;
              reopen(place, endpoint);
            });
  }

  /** Goes on at another broker than this one, at the same if there is no other. */
  private void reopen(Place place, Endpoint endpoint) {
    if (closed) {
      return;
    }
    WatchStream telling = place.telling;
    if (telling != null && telling.covers(topics)) {
      settle(); // what runs there is good, if not the best
      return;
    }
    Endpoint other = another(place, endpoint);
    Endpoint chosen = other == null ? another(place, null) : other;
    if (chosen != null) {
      open(place, chosen);
    }
  }

  private void tick() {
    long now = loop.clock().nanoTime();
    for (Place place : places) {
      WatchStream telling = place.telling;
      if (telling != null
          && place.opening == null
          && !place.isPausing()
          && now - telling.lastMessageNanos() >= SILENCE_NANOS) {
        log.info("Broker {} has said nothing for 15 s; watching anew", telling.endpoint());
        Endpoint other = another(place, telling.endpoint());
        open(place, other == null ? telling.endpoint() : other);
      }
    }
    tick = loop.schedule(TICK_NANOS, this::tick);
  }
}
