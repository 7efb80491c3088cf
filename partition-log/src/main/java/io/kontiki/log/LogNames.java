package io.kontiki.log;

import io.kontiki.runtime.FileStore;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The names in a log's directory while a start works on it: listed once for all who ask whether a
 * file is there, and again after something was made or removed. What a recovery writes when it has
 * judged the log (indexes, snapshots, epochs) is not asked for here any more.
 */
final class LogNames {
  private final FileStore store;
  private final String directory;
  private @Nullable List<String> listed;
  private Set<String> names = Set.of();

  LogNames(FileStore store, String directory) {
    this.store = store;
    this.directory = directory;
  }

  /** All, sorted; a list that stays as it is. */
  List<String> all() {
    List<String> known = listed;
    if (known == null) {
      known = store.list(directory);
      listed = known;
      names = new HashSet<>(known);
    }
    return known;
  }

  /** Whether there is a file of this name. */
  boolean has(String name) {
    all();
    return names.contains(name);
  }

  /** Whether there is a file, by its path in the store. */
  boolean hasPath(String path) {
    return has(path.substring(directory.length() + 1));
  }

  /** A file was made or removed. */
  void changed() {
    listed = null;
  }
}
