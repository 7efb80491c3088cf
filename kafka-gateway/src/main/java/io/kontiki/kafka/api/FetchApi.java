package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.rpc.Budget;
import io.kontiki.kafka.convert.Conversions;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.protocol.Errors;

/** Reads: bytes of the log as they are, waiting as the client says. */
final class FetchApi {
  private static final int WITH_STATE_OF_REPLICA = 15;

  private final DoorServices services;
  private final ClusterView view;
  private final Conversions conversions;

  /** What answers of all connections hold until sockets have taken them; files are not counted. */
  private final Budget memory;

  FetchApi(DoorServices services, ClusterView view, Conversions conversions) {
    this.services = services;
    this.view = view;
    this.conversions = conversions;
    this.memory = new Budget("bytes of fetches", services.limits().requestMemoryBytes());
  }

  void serve(Call call, FetchRequestData request, Answer answer) {
    int replica =
        call.version() < WITH_STATE_OF_REPLICA
            ? request.replicaId()
            : request.replicaState().replicaId();
    if (replica >= 0) {
      // What replicas may do is no client's business (CVE-2018-1288).
      answer.close("a fetch of replica " + replica + "; replicas have a port of their own");
      return;
    }
    FetchSession session = call.state().of(FetchSession.class, FetchSession::new);
    int newId = 1 + (int) ((services.random().nextLong() >>> 33) % Integer.MAX_VALUE);
    FetchSession.Plan plan = session.take(request, newId);
    if (plan.error() != Errors.NONE) {
      answer.send(new FetchResponseData().setErrorCode(plan.error().code()));
      return;
    }
    Arrivals arrivals =
        call.state().of(Arrivals.class, () -> new Arrivals(call.loop(), services.partitions()));
    new FetchRound(
            services, view, conversions, memory, call, request, plan, session, arrivals, answer)
        .start();
  }
}
