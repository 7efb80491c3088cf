package io.kontiki.cli.stream;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.v1.Acks;
import io.kontiki.v1.InitProducerIdRequest;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.LogServiceGrpc;
import io.kontiki.v1.ProduceRequest;
import io.kontiki.v1.RecordPosition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Appends records, one request after the other, so that their order is that of the calls.
 *
 * <p>A request that fails without a clear answer is repeated at the next broker with the same
 * producer id and sequence, by which the partition recognises it: nothing is appended twice (I1).
 * Because nothing else is under way meanwhile, no later request can get in before it. One thread at
 * a time.
 */
public final class RecordWriter {
  /**
   * A broker that is frozen must not use up all the time, and a repetition is recognised anyway.
   * Doubled with each broker that was silent: then it may be the partition that takes its time.
   */
  private static final Duration TRY_PATIENCE = Duration.ofSeconds(1);

  private static final Duration MOST_PATIENCE = Duration.ofSeconds(8);

  private static final long PAUSE_MS = 50;

  private final BrokerChannels brokers;
  private final String topic;
  private final Acks acks;
  private long producerId = -1;
  private int sequence;

  public RecordWriter(BrokerChannels brokers, String topic, Acks acks) {
    this.brokers = brokers;
    this.topic = topic;
    this.acks = acks;
  }

  /**
   * Appends records and waits for the acknowledgement.
   *
   * @param partition null: by key, or the broker's choice
   * @return one position per record, in order; without offsets if nothing was waited for
   * @throws RecordsRefusedException if some were refused for good; those before are acknowledged
   * @throws CliException if they are not acknowledged in time
   */
  public List<RecordPosition> send(
      List<LogRecord> records, @Nullable Integer partition, Deadline deadline)
      throws RecordsRefusedException {
    if (producerId < 0) {
      producerId =
          repeated(
                  deadline,
                  "",
                  stub -> stub.initProducerId(InitProducerIdRequest.getDefaultInstance()))
              .getProducerId();
    }
    ProduceRequest.Builder request =
        ProduceRequest.newBuilder()
            .setTopic(topic)
            .addAllRecords(records)
            .setAcks(acks)
            .setProducerId(producerId)
            .setSequence(sequence);
    if (partition != null) {
      request.setPartition(partition);
    }
    ProduceRequest built = request.build();
    sequence = sequence == Integer.MAX_VALUE ? 0 : sequence + 1;
    try {
      return repeated(
              deadline,
              " (whether these records were appended is not known)",
              stub -> stub.produce(built))
          .getPositionsList();
    } catch (TooLargeException e) {
      return sendInHalves(records, partition, deadline, e.error);
    }
  }

  /** Together they are larger than the topic allows a batch to be; alone each may fit. */
  private List<RecordPosition> sendInHalves(
      List<LogRecord> records, @Nullable Integer partition, Deadline deadline, CallError error)
      throws RecordsRefusedException {
    if (records.size() == 1) {
      throw new RecordsRefusedException(List.of(), error.reason() + ": " + error.message());
    }
    int half = records.size() / 2;
    List<RecordPosition> positions =
        new ArrayList<>(send(records.subList(0, half), partition, deadline));
    try {
      positions.addAll(send(records.subList(half, records.size()), partition, deadline));
    } catch (RecordsRefusedException e) {
      positions.addAll(e.acknowledged());
      throw new RecordsRefusedException(positions, String.valueOf(e.getMessage()));
    }
    return positions;
  }

  private <T> T repeated(
      Deadline deadline, String remark, Function<LogServiceGrpc.LogServiceBlockingStub, T> call) {
    boolean perhapsDone = false;
    Duration patience = TRY_PATIENCE;
    while (true) {
      BrokerChannels.Connection connection = brokers.connection(0);
      try {
        long patienceMs = Math.max(1, deadline.atMost(patience).remainingMs());
        return call.apply(
            LogServiceGrpc.newBlockingStub(connection.channel())
                .withDeadlineAfter(patienceMs, TimeUnit.MILLISECONDS));
      } catch (StatusRuntimeException e) {
        CallError error = CallError.of(e);
        perhapsDone |= !error.definite();
        if (error.reason().equals("RECORD_TOO_LARGE")) {
          throw new TooLargeException(error);
        }
        if (!error.mayRepeat() || deadline.remainingMs() <= PAUSE_MS) {
          throw error.asExit(brokers, perhapsDone ? remark : "");
        }
        brokers.giveUp(connection.host());
        if (error.code() == Status.Code.DEADLINE_EXCEEDED) {
          patience = patience.compareTo(MOST_PATIENCE) < 0 ? patience.multipliedBy(2) : patience;
        } else {
          deadline.pause(PAUSE_MS);
        }
      }
    }
  }

  /** Carries the refusal out of the loop of tries. */
  @SuppressWarnings("serial")
  private static final class TooLargeException extends RuntimeException {
    private final transient CallError error;

    TooLargeException(CallError error) {
      super(error.message());
      this.error = error;
    }
  }
}
