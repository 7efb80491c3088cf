package io.kontiki.broker.quorum;

import io.kontiki.model.Uid;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The forming set of rule M15, written before the voter's Raft starts for the first time. Its being
 * there says that this directory votes. Blocks.
 *
 * <p>File {@code forming-set}, {@link CheckedLines} of version 1: a line {@code admitted INDEX}
 * (see {@link Stored}), then one line {@code NODE DIRECTORY} for each voter.
 *
 * <p>An empty file {@code candidate} says that this directory does not vote, of a node that is
 * about to ask for it (M23): a directory on record as a voter's with neither file has lost what it
 * voted with.
 */
final class FormingFile {
  private static final CheckedLines FILE =
      new CheckedLines("forming-set", "kontiki-forming-set", 1);
  private static final String ADMITTED = "admitted ";
  private static final String CANDIDATE = "candidate";
  private static final String MEMBER = "member";

  /**
   * How this directory came to vote.
   *
   * @param formingSet directory id by voter, as it was known then
   * @param admittedIndex a metadata index at which it was on record after it had been taken in by a
   *     cluster (rule M16); 0: it has voted since the cluster was formed
   */
  record Stored(SortedMap<Integer, Uid> formingSet, long admittedIndex) {}

  private FormingFile() {}

  /** What was written; empty: this directory does not vote. */
  static Optional<Stored> read(FileStore store) {
    return FILE.read(store).map(FormingFile::stored);
  }

  private static Stored stored(List<String> lines) {
    SortedMap<Integer, Uid> set = new TreeMap<>();
    for (String line : lines.subList(Math.min(1, lines.size()), lines.size())) {
      String[] words = line.split(" ", -1);
      try {
        set.put(Integer.parseInt(words[0]), Uid.parse(words[1]));
      } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
        throw FILE.corrupt(0, "line '" + line + "' is not NODE DIRECTORY");
      }
    }
    return new Stored(set, admitted(lines.isEmpty() ? "" : lines.get(0)));
  }

  private static long admitted(String line) {
    try {
      if (line.startsWith(ADMITTED)) {
        return Long.parseLong(line.substring(ADMITTED.length()));
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw FILE.corrupt(0, "line '" + line + "' is not " + ADMITTED + "INDEX");
  }

  /** Durable on return. */
  static void write(FileStore store, Stored stored) {
    List<String> lines = new ArrayList<>();
    lines.add(ADMITTED + stored.admittedIndex());
    stored.formingSet().forEach((id, directory) -> lines.add(id + " " + directory));
    FILE.write(store, lines);
    endCandidacy(store);
  }

  /**
   * The same for a directory that belongs to a cluster already: one that votes and has nothing in
   * the group's folder has lost it, so the folder has something before.
   */
  static void write(FileStore store, String group, Stored stored) {
    FileStore folder = store.child(group);
    try (FileStore.File file = folder.openOrCreate(MEMBER)) {
      file.sync();
    }
    folder.syncDirectory("");
    store.syncDirectory("");
    write(store, stored);
  }

  /** Whether this directory does not vote, and may ask for it. */
  static boolean isCandidate(FileStore store) {
    return store.exists(CANDIDATE);
  }

  /** This directory does not vote, and is about to ask for it; durable on return. */
  static void stand(FileStore store) {
    try (FileStore.File file = store.openOrCreate(CANDIDATE)) {
      file.sync();
    }
    store.syncDirectory("");
  }

  /** A stop may have come between the two files. */
  static void endCandidacy(FileStore store) {
    if (store.exists(CANDIDATE)) {
      store.delete(CANDIDATE);
      store.syncDirectory("");
    }
  }

  /**
   * Nothing counts this directory any more (M23): it does not vote from here on. Durable on return.
   *
   * @throws StorageException it may still vote, or have lost a part of what it votes with
   */
  static void forget(FileStore store) {
    store.delete(FILE.name());
    store.syncDirectory("");
  }
}
