package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Result;
import io.kontiki.record.Partitioner;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.FindCoordinatorResponseData.Coordinator;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.message.SaslHandshakeRequestData;
import org.apache.kafka.common.message.SaslHandshakeResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.FindCoordinatorRequest.CoordinatorType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What clients ask before they begin: ids of producers, coordinators, authentication. */
final class ProducersApi {
  private static final Logger LOG = LoggerFactory.getLogger(ProducersApi.class);
  private static final int SEVERAL = 4;
  private static final int NONE = -1;

  private final DoorServices services;
  private final ClusterView view;

  ProducersApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  void initProducerId(Call call, InitProducerIdRequestData request, Answer answer) {
    InitProducerIdResponseData response =
        new InitProducerIdResponseData().setProducerId(NONE).setProducerEpoch((short) NONE);
    if (request.transactionalId() != null) {
      // The one that clients neither repeat nor take for a fault of their own.
      answer.send(response.setErrorCode(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED.code()));
      return;
    }
    services
        .producerIds()
        .next(
            call.unbounded(),
            next -> {
              if (next instanceof Result.Ok<Long> id) {
                response.setProducerId(id.value()).setProducerEpoch((short) 0);
              } else {
                response.setErrorCode(Errors.COORDINATOR_NOT_AVAILABLE.code());
              }
              answer.send(response);
            });
  }

  /**
   * Every broker reaches the coordinator of every group; that clients of one group ask the same one
   * spreads them evenly.
   */
  void findCoordinator(Call call, FindCoordinatorRequestData request, Answer answer) {
    CoordinatorType type = call.version() == 0 ? CoordinatorType.GROUP : type(request.keyType());
    List<String> keys =
        call.version() < SEVERAL ? List.of(request.key()) : request.coordinatorKeys();
    List<Coordinator> found = new ArrayList<>();
    SortedMap<Integer, Endpoint> brokers = view.brokers(view.image());
    for (String key : keys) {
      found.add(coordinator(type, key, brokers));
    }
    FindCoordinatorResponseData response = new FindCoordinatorResponseData();
    if (call.version() < SEVERAL) {
      Coordinator only = found.get(0);
      response
          .setErrorCode(only.errorCode())
          .setNodeId(only.nodeId())
          .setHost(only.host())
          .setPort(only.port());
      if (call.version() > 0) {
        response.setErrorMessage(only.errorMessage());
      }
    } else {
      response.setCoordinators(found);
    }
    answer.send(response);
  }

  private static CoordinatorType type(byte id) {
    for (CoordinatorType type : CoordinatorType.values()) {
      if (type.id() == id) {
        return type;
      }
    }
    return CoordinatorType.TRANSACTION; // refused in the same way
  }

  private static Coordinator coordinator(
      CoordinatorType type, String key, SortedMap<Integer, Endpoint> brokers) {
    Coordinator none = new Coordinator().setKey(key).setNodeId(NONE).setHost("").setPort(NONE);
    if (type != CoordinatorType.GROUP) {
      return none.setErrorCode(Errors.INVALID_REQUEST.code())
          .setErrorMessage(Transactions.refused().message());
    }
    if (key.isEmpty()) {
      return none.setErrorCode(Errors.INVALID_GROUP_ID.code())
          .setErrorMessage("a group must have a name");
    }
    if (brokers.isEmpty()) {
      return none.setErrorCode(Errors.COORDINATOR_NOT_AVAILABLE.code());
    }
    int hash = Partitioner.murmur2(key.getBytes(StandardCharsets.UTF_8)) & Integer.MAX_VALUE;
    List<Map.Entry<Integer, Endpoint>> all = List.copyOf(brokers.entrySet());
    Map.Entry<Integer, Endpoint> chosen = all.get(hash % all.size());
    return new Coordinator()
        .setKey(key)
        .setNodeId(chosen.getKey())
        .setHost(chosen.getValue().host())
        .setPort(chosen.getValue().port());
  }

  /** Clients that are set up for SASL get an answer that they can show: no mechanism is on. */
  void saslHandshake(Call call, SaslHandshakeRequestData request, Answer answer) {
    LOG.info(
        "a Kafka client at {} wants to authenticate with SASL ({}), which is off: it must use"
            + " security.protocol=PLAINTEXT",
        call.host(),
        request.mechanism());
    answer.send(
        new SaslHandshakeResponseData()
            .setErrorCode(Errors.UNSUPPORTED_SASL_MECHANISM.code())
            .setMechanisms(List.of()));
  }
}
