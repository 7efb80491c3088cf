package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.model.Result;
import java.util.List;
import org.apache.kafka.common.message.InitProducerIdRequestData;
import org.apache.kafka.common.message.InitProducerIdResponseData;
import org.apache.kafka.common.message.SaslHandshakeRequestData;
import org.apache.kafka.common.message.SaslHandshakeResponseData;
import org.apache.kafka.common.protocol.Errors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What clients ask before they begin: ids of producers, authentication. */
final class ProducersApi {
  private static final Logger LOG = LoggerFactory.getLogger(ProducersApi.class);
  private static final int NONE = -1;

  private final DoorServices services;

  ProducersApi(DoorServices services) {
    this.services = services;
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
