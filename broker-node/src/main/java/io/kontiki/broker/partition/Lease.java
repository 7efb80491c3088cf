package io.kontiki.broker.partition;

/** This broker's lease from the metadata leader (rule R5). */
@FunctionalInterface
public interface Lease {
  /** Whether it is held now. */
  boolean held();
}
