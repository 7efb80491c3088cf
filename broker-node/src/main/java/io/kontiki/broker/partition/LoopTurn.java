package io.kontiki.broker.partition;

import io.kontiki.replication.IsrOutcome;
import io.kontiki.replication.IsrProposal;
import io.kontiki.replication.Resignation;
import io.kontiki.runtime.EventLoop;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;

/**
 * What a loop does once at the end of a turn for everything that the turn brought: shipments first,
 * then (by then registered behind them) the log's hand-over to the journal, then acknowledgements
 * and subscriptions, and one batch each of proposals and of resignations (rule R42, DESIGN 6).
 */
final class LoopTurn {
  private final EventLoop loop;
  private final IsrProposals proposals;
  private final Set<ShippingStream> shipping = new LinkedHashSet<>();
  private final Set<FetchingStream> fetching = new LinkedHashSet<>();
  private final List<Wish> wishes = new ArrayList<>();
  private final List<Farewell> farewells = new ArrayList<>();
  private boolean shippingDue;
  private boolean repliesDue;

  LoopTurn(EventLoop loop, IsrProposals proposals) {
    this.loop = loop;
    this.proposals = proposals;
  }

  /**
   * Takes shipping's place in the order of the turn's end, before an append takes the journal's.
   */
  void expectShipping() {
    if (!shippingDue) {
      shippingDue = true;
      loop.atTurnEnd(this::ship);
    }
  }

  void ship(ShippingStream stream) {
    shipping.add(stream);
    expectShipping();
  }

  void fetch(FetchingStream stream) {
    fetching.add(stream);
    expectReplies();
  }

  void propose(Partition partition, IsrProposal proposal) {
    wishes.add(new Wish(partition, proposal));
    expectReplies();
  }

  void resign(Partition partition, Resignation resignation) {
    farewells.add(new Farewell(partition, resignation));
    expectReplies();
  }

  private void expectReplies() {
    if (!repliesDue) {
      repliesDue = true;
      loop.atTurnEnd(this::reply);
    }
  }

  private void ship() {
    shippingDue = false;
    List<ShippingStream> streams = List.copyOf(shipping);
    shipping.clear();
    streams.forEach(ShippingStream::flush);
  }

  private void reply() {
    repliesDue = false;
    List<FetchingStream> streams = List.copyOf(fetching);
    fetching.clear();
    streams.forEach(FetchingStream::flush);
    if (!wishes.isEmpty()) {
      List<Wish> sent = List.copyOf(wishes);
      wishes.clear();
      proposals.propose(
          sent.stream().map(Wish::proposal).toList(),
          outcomes -> settle(sent, outcomes, Wish::settle));
    }
    if (!farewells.isEmpty()) {
      List<Farewell> sent = List.copyOf(farewells);
      farewells.clear();
      proposals.resign(
          sent.stream().map(Farewell::resignation).toList(),
          outcomes -> settle(sent, outcomes, Farewell::settle));
    }
  }

  private static <T> void settle(
      List<T> sent, List<IsrOutcome> outcomes, BiConsumer<T, IsrOutcome> settle) {
    if (outcomes.size() != sent.size()) {
      throw new IllegalStateException(
          outcomes.size() + " outcomes for " + sent.size() + " proposals (R42)");
    }
    for (int i = 0; i < sent.size(); i++) {
      settle.accept(sent.get(i), outcomes.get(i));
    }
  }

  private record Wish(Partition partition, IsrProposal proposal) {
    void settle(IsrOutcome outcome) {
      partition.onIsrOutcome(proposal, outcome);
    }
  }

  private record Farewell(Partition partition, Resignation resignation) {
    void settle(IsrOutcome outcome) {
      partition.onResignOutcome(resignation, outcome);
    }
  }
}
