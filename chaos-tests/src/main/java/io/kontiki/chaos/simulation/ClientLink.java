package io.kontiki.chaos.simulation;

import io.kontiki.broker.api.ProduceAnswer;
import io.kontiki.broker.api.ProduceRequest;
import io.kontiki.broker.api.ProduceSession;
import io.kontiki.broker.api.RecordProduce;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A client's connection to one broker: requests arrive in order, answers as they come. When it
 * breaks, everything under way has an unknown end; a new one is made for the next request.
 */
final class ClientLink {
  private static final long CONNECT_NANOS = 1_000_000_000L;

  private final World world;
  private final int client;
  private final int broker;
  private final EventLoop loop;
  private final ArrayDeque<Call<?>> waiting = new ArrayDeque<>();
  private final Set<Call<?>> underWay = new LinkedHashSet<>();
  private Network.@Nullable Connection connection;
  private Stream stream = new Stream();
  private boolean connecting;

  ClientLink(World world, int client, int broker, EventLoop loop) {
    this.world = world;
    this.client = client;
    this.broker = broker;
    this.loop = loop;
  }

  /**
   * How a request ended.
   *
   * @param answer null: nobody knows
   * @param sent whether it may have reached the broker
   */
  record Reply<T>(@Nullable T answer, boolean sent) {}

  /** What the broker keeps for one connection: the order of its produce requests (P5). */
  static final class Stream {
    private @Nullable ProduceSession session;

    /** Takes the next request; at the broker, on its first data loop. */
    void submit(SimProcess process, ProduceRequest request, Completion<ProduceAnswer> completion) {
      ProduceSession taking = session;
      if (taking == null) {
        RecordProduce produce = process.recordProduce();
        if (produce == null) {
          completion.complete(new ProduceAnswer.Failed(SimProcess.starting()));
          return;
        }
        taking = new ProduceSession(produce, process.data().all().get(0));
        session = taking;
      }
      taking.submit(request, completion);
    }
  }

  /** A request as it arrives at the broker. */
  interface Ask<T> {
    void ask(SimProcess process, Stream stream, Completion<T> completion);
  }

  private static final class Call<T> {
    private final Ask<T> ask;
    private final Consumer<Reply<T>> end;
    private EventLoop.@Nullable Timer timer;
    private boolean over;

    Call(Ask<T> ask, Consumer<Reply<T>> end) {
      this.ask = ask;
      this.end = end;
    }

    void finish(Reply<T> reply) {
      if (!over) {
        over = true;
        if (timer != null) {
          timer.cancel();
        }
        end.accept(reply);
      }
    }
  }

  /**
   * Asks; on the client's loop, as the end.
   *
   * @param ask runs at the broker, on its first data loop
   */
  <T> void call(
      long timeoutNanos, BiConsumer<SimProcess, Completion<T>> ask, Consumer<Reply<T>> end) {
    callOnStream(
        timeoutNanos, (process, stream, completion) -> ask.accept(process, completion), end);
  }

  /** The same with what the broker keeps for this connection. */
  <T> void callOnStream(long timeoutNanos, Ask<T> ask, Consumer<Reply<T>> end) {
    Call<T> call = new Call<>(ask, end);
    call.timer =
        loop.schedule(
            timeoutNanos,
            () -> {
              boolean sent = underWay.remove(call);
              waiting.remove(call);
              call.finish(new Reply<>(null, sent));
            });
    if (connection != null) {
      send(call);
      return;
    }
    waiting.add(call);
    if (!connecting) {
      connecting = true;
      world
          .network()
          .connect(client, broker, CONNECT_NANOS, shown -> loop.execute(() -> connected(shown)));
    }
  }

  private void connected(Network.Shown shown) {
    connecting = false;
    List<Call<?>> all = List.copyOf(waiting);
    waiting.clear();
    if (shown != Network.Shown.ANSWERED) {
      all.forEach(call -> call.finish(new Reply<>(null, false)));
      return;
    }
    Network.Connection opened = world.network().open(client, broker);
    connection = opened;
    stream = new Stream();
    opened.toClient.onEnd(why -> loop.execute(() -> broken(opened)));
    all.forEach(this::send);
  }

  private void broken(Network.Connection which) {
    if (connection == which) {
      connection = null;
      List<Call<?>> all = List.copyOf(underWay);
      underWay.clear();
      all.forEach(call -> call.finish(new Reply<>(null, true)));
    }
  }

  private <T> void send(Call<T> call) {
    Network.Connection way = java.util.Objects.requireNonNull(connection);
    Stream ofWay = stream;
    underWay.add(call);
    way.toServer.send(
        () -> {
          SimProcess process = world.machine(broker).process();
          if (process == null) {
            way.reset("nobody listens");
            return;
          }
          process
              .data()
              .all()
              .get(0)
              .execute(
                  () ->
                      call.ask.ask(
                          process,
                          ofWay,
                          answer ->
                              way.toClient.send(
                                  () ->
                                      loop.execute(
                                          () -> {
                                            if (underWay.remove(call)) {
                                              call.finish(new Reply<>(answer, true));
                                            }
                                          }))));
        });
  }
}
