package io.kontiki.metadata.codec;

import com.google.protobuf.InvalidProtocolBufferException;
import io.kontiki.internal.v1.CommandOutcomeRecord;
import io.kontiki.internal.v1.DoneRecord;
import io.kontiki.internal.v1.IsrOutcomeKind;
import io.kontiki.internal.v1.IsrOutcomeRecord;
import io.kontiki.internal.v1.IsrOutcomesRecord;
import io.kontiki.internal.v1.NumberRecord;
import io.kontiki.metadata.CommandOutcome;
import io.kontiki.metadata.CommandOutcome.Done;
import io.kontiki.metadata.CommandOutcome.IsrOutcome;
import io.kontiki.metadata.CommandOutcome.IsrOutcomes;
import io.kontiki.metadata.CommandOutcome.Kind;
import io.kontiki.metadata.CommandOutcome.Number;
import io.kontiki.metadata.CommandOutcome.Rejected;
import io.kontiki.metadata.PartitionImage;
import java.nio.ByteBuffer;

/** Outcomes as bytes, for brokers that let another one propose. */
public final class CommandOutcomeCodec {
  private CommandOutcomeCodec() {}

  /** A fresh buffer. */
  public static ByteBuffer encode(CommandOutcome outcome) {
    CommandOutcomeRecord.Builder record = CommandOutcomeRecord.newBuilder();
    if (outcome instanceof Done) {
      record.setDone(DoneRecord.getDefaultInstance());
    } else if (outcome instanceof Number number) {
      record.setNumber(NumberRecord.newBuilder().setValue(number.value()));
    } else if (outcome instanceof IsrOutcomes isr) {
      IsrOutcomesRecord.Builder all = IsrOutcomesRecord.newBuilder();
      isr.outcomes().forEach(one -> all.addOutcomes(isr(one)));
      record.setIsr(all);
    } else if (outcome instanceof Rejected rejected) {
      record.setRejected(Parts.error(rejected.error()));
    }
    return ByteBuffer.wrap(record.build().toByteArray());
  }

  /**
   * Reads an outcome; the buffer's position stays.
   *
   * @throws CorruptMetadataException if the bytes are none
   */
  public static CommandOutcome decode(ByteBuffer bytes) {
    try {
      CommandOutcomeRecord record = CommandOutcomeRecord.parseFrom(bytes.duplicate());
      return switch (record.getOutcomeCase()) {
        case DONE -> new Done();
        case NUMBER -> new Number(record.getNumber().getValue());
        case ISR ->
            new IsrOutcomes(
                record.getIsr().getOutcomesList().stream().map(CommandOutcomeCodec::isr).toList());
        case REJECTED -> new Rejected(Parts.error(record.getRejected()));
        case OUTCOME_NOT_SET -> throw new IllegalArgumentException("nothing that is known is set");
      };
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      throw new CorruptMetadataException("no outcome of a command: " + e.getMessage(), e);
    }
  }

  private static IsrOutcomeRecord isr(IsrOutcome outcome) {
    IsrOutcomeRecord.Builder record =
        IsrOutcomeRecord.newBuilder()
            .setPartition(Parts.key(outcome.partition()))
            .setKind(
                switch (outcome.kind()) {
                  case APPLIED -> IsrOutcomeKind.ISR_OUTCOME_KIND_APPLIED;
                  case INELIGIBLE -> IsrOutcomeKind.ISR_OUTCOME_KIND_INELIGIBLE;
                  case STALE -> IsrOutcomeKind.ISR_OUTCOME_KIND_STALE;
                  case FENCED -> IsrOutcomeKind.ISR_OUTCOME_KIND_FENCED;
                });
    PartitionImage state = outcome.state();
    if (state != null) {
      record.setState(Parts.partition(state));
    }
    return record.build();
  }

  private static IsrOutcome isr(IsrOutcomeRecord record) {
    Kind kind =
        switch (record.getKind()) {
          case ISR_OUTCOME_KIND_APPLIED -> Kind.APPLIED;
          case ISR_OUTCOME_KIND_INELIGIBLE -> Kind.INELIGIBLE;
          case ISR_OUTCOME_KIND_STALE -> Kind.STALE;
          case ISR_OUTCOME_KIND_FENCED -> Kind.FENCED;
          case ISR_OUTCOME_KIND_UNSPECIFIED, UNRECOGNIZED ->
              throw new IllegalArgumentException("outcome of kind " + record.getKindValue());
        };
    return new IsrOutcome(
        Parts.partitionId(record.getPartition()),
        kind,
        record.hasState() ? Parts.partition(record.getState()) : null);
  }
}
