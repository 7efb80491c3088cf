package io.kontiki.replication;

/** The end of an {@link IsrProposal} or a {@link Resignation}. */
public sealed interface IsrOutcome {
  /** The proposal is committed; {@code state} is what it made, or something newer. */
  record Applied(IsrState state) implements IsrOutcome {}

  /**
   * Refused for good. A proposal: a member was not eligible; the refusal grew the partition epoch,
   * so that no other copy can be applied later (rule R17). A resignation: nobody else may lead;
   * only that of a damaged leader grew the partition epoch.
   */
  record Rejected(IsrState state) implements IsrOutcome {}

  /** The epochs did not match; {@code state} is the present one (rule R17). */
  record Stale(IsrState state) implements IsrOutcome {}

  /** It may be applied some day (rules M3, R14). */
  record Unknown() implements IsrOutcome {}
}
