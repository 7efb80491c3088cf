package io.kontiki.broker.quorum;

import io.kontiki.broker.api.Metadata;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.Worker;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The voters as this node knew them last, kept so that it finds its cluster when it starts with a
 * {@code cluster.voters} of before they were changed (M23). They say where to ask, never who votes.
 *
 * <p>File {@code voters}, {@link CheckedLines} of version 1: one line {@code NODE HOST:PORT} for
 * each voter.
 */
public final class KnownVoters implements Metadata.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(KnownVoters.class);
  private static final CheckedLines FILE = new CheckedLines("voters", "kontiki-voters", 1);

  private final FileStore store;
  private final Worker worker;
  private SortedMap<Integer, Endpoint> written;

  /**
   * @param store {@code raft/} of the data directory
   * @param worker writes
   * @param read what was {@link #read}
   */
  public KnownVoters(FileStore store, Worker worker, SortedMap<Integer, Endpoint> read) {
    this.store = store;
    this.worker = worker;
    this.written = read;
  }

  /** What was written; empty: nothing, or nothing that can be read. Blocks. */
  public static SortedMap<Integer, Endpoint> read(FileStore store) {
    SortedMap<Integer, Endpoint> voters = new TreeMap<>();
    try {
      for (String line : FILE.read(store).orElse(List.of())) {
        String[] words = line.split(" ", -1);
        voters.put(Integer.parseInt(words[0]), Endpoint.parse(words[1]));
      }
    } catch (StorageException | IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      LOG.warn("the voters that this node knew last cannot be read: {}", e.toString());
      return new TreeMap<>();
    }
    return voters;
  }

  @Override
  public void onImage(ClusterImage image) {
    if (!image.formed()) {
      return;
    }
    SortedMap<Integer, Endpoint> voters = new TreeMap<>();
    image.voters().values().forEach(voter -> voters.put(voter.id(), voter.raft()));
    if (!voters.equals(written)) {
      written = voters;
      worker.execute(() -> write(voters));
    }
  }

  private void write(SortedMap<Integer, Endpoint> voters) {
    List<String> lines = new ArrayList<>();
    voters.forEach((id, raft) -> lines.add(id + " " + raft));
    try {
      FILE.write(store, lines);
    } catch (StorageException e) {
      LOG.warn("the voters of the cluster, {}, were not written down: {}", voters, e.toString());
    }
  }
}
