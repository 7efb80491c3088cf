package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Result;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.FindCoordinatorResponseData.Coordinator;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.FindCoordinatorRequest.CoordinatorType;

/** Who coordinates a group: the broker that leads the group's shard. */
final class CoordinatorsApi {
  private static final int SEVERAL = 4;
  private static final int NONE = -1;
  private static final long ASK_MS = 2_000;

  private final DoorServices services;
  private final ClusterView view;

  CoordinatorsApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void find(Call call, FindCoordinatorRequestData request, Answer answer) {
    boolean groups = call.version() == 0 || request.keyType() == CoordinatorType.GROUP.id();
    List<String> keys =
        call.version() < SEVERAL ? List.of(request.key()) : request.coordinatorKeys();
    List<Coordinator> found = new ArrayList<>();
    FanOut fan = new FanOut(call.loop(), () -> answer.send(response(call, found)));
    for (String key : keys) {
      Coordinator one = new Coordinator().setKey(key).setNodeId(NONE).setHost("").setPort(NONE);
      found.add(one);
      Errors bad = GroupErrors.badOffsetsName(key);
      if (!groups) {
        one.setErrorCode(Errors.INVALID_REQUEST.code())
            .setErrorMessage(Transactions.refused().message());
      } else if (bad != null) {
        one.setErrorCode(bad.code()).setErrorMessage("a group's name has at most 255 characters");
      } else {
        services
            .groups()
            .coordinator(call.within(ASK_MS), key, fan.one(result -> tell(one, result)));
      }
    }
    fan.asked();
  }

  private void tell(Coordinator one, Result<Integer> result) {
    int id = result.fold(found -> found, error -> NONE);
    Endpoint kafka = view.brokers(view.image()).get(id);
    if (kafka == null) {
      one.setErrorCode(Errors.COORDINATOR_NOT_AVAILABLE.code())
          .setErrorMessage(
              id == NONE
                  ? "the group's shard has no leader at the moment"
                  : "broker " + id + " coordinates the group, and serves no Kafka clients");
    } else {
      one.setNodeId(id).setHost(kafka.host()).setPort(kafka.port());
    }
  }

  private static FindCoordinatorResponseData response(Call call, List<Coordinator> found) {
    FindCoordinatorResponseData response = new FindCoordinatorResponseData();
    if (call.version() >= SEVERAL) {
      return response.setCoordinators(found);
    }
    Coordinator only = found.get(0);
    response
        .setErrorCode(only.errorCode())
        .setNodeId(only.nodeId())
        .setHost(only.host())
        .setPort(only.port());
    return call.version() > 0 ? response.setErrorMessage(only.errorMessage()) : response;
  }
}
