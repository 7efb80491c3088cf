package io.kontiki.chaos.run;

import io.kontiki.chaos.history.Anomaly;
import io.kontiki.chaos.history.Event;
import java.util.List;
import java.util.Map;

/**
 * What came of a run.
 *
 * @param beginNanos when the clients began
 * @param endNanos when everything had been read back
 * @param faults in the order in which they were made
 * @param operations how many events of the history there are of each kind
 * @param anomalies what a correct log does not show
 * @param problems whatever else went wrong: clients that met what their contract does not have, a
 *     cluster that did not become whole
 * @param acksPerSlot acknowledgements from begin to end, in slots of equal length
 * @param skipped kinds of faults that were asked for and cannot be made here, and why
 * @param events the whole history
 */
record Result(
    ChaosOptions options,
    long beginNanos,
    long endNanos,
    List<FaultRecord> faults,
    Map<String, Long> operations,
    List<Anomaly> anomalies,
    List<String> problems,
    int[] acksPerSlot,
    Map<FaultKind, String> skipped,
    List<Event> events) {
  Result {
    faults = List.copyOf(faults);
    anomalies = List.copyOf(anomalies);
    problems = List.copyOf(problems);
  }

  boolean passed() {
    return anomalies.isEmpty() && problems.isEmpty();
  }

  double seconds() {
    return (endNanos - beginNanos) / 1e9;
  }
}
