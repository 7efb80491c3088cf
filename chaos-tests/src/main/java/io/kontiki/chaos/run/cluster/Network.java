package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** What connects the nodes of a cluster of this machine. */
interface Network extends AutoCloseable {
  /** Where others reach a node, by the name of the configuration's key without the last word. */
  Map<String, Endpoint> endpoints(int id);

  /** Where a node listens; what is not the same as where it is reached must be told it besides. */
  default Map<String, Endpoint> listeners(int id) {
    return endpoints(id);
  }

  /** Options for a node's JVM. */
  default List<String> jvmOptions(int id) {
    return List.of();
  }

  /** What it is, for people. */
  String description();

  /** What stands before a command that runs on a node's side of it. */
  List<String> prefix(int id);

  /** What it cannot do, and why. */
  Map<Ability, String> missing();

  void cut(Collection<Cut> cuts);

  void slow(int id);

  void lossy(int id);

  void heal();

  @Override
  void close();
}
