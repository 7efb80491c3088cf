package io.kontiki.chaos.run.cluster;

import io.kontiki.model.Endpoint;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** What connects the nodes of a cluster of this machine. */
interface Network extends AutoCloseable {
  /** Where a node listens, by the name of the configuration's key without {@code .listen}. */
  Map<String, Endpoint> endpoints(int id);

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
