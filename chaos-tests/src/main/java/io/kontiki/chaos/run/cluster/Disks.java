package io.kontiki.chaos.run.cluster;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A file system for each node, where the machine allows it: an image of its own, mounted by a loop
 * device. It can be filled without harm to others, and switched off as by a power cut: what was not
 * synced is gone then. Else a directory.
 */
final class Disks implements AutoCloseable {
  /** Room for a journal, a reserve and what a run writes in an hour. */
  private static final long IMAGE_BYTES = 3L << 30;

  /** EXT4_IOC_SHUTDOWN without a flush of the file system's log. */
  private static final String SWITCH_OFF =
      "open(my $d, '<', $ARGV[0]) or die $!; my $f = pack('L', 2);"
          + " ioctl($d, 0x8004587d, $f) or die \"ioctl: $!\"";

  private final Path dir;
  private final Map<Ability, String> missing = new TreeMap<>();
  private final TreeSet<Integer> mounted = new TreeSet<>();
  private boolean closed;

  private Disks(Path dir) {
    this.dir = dir;
  }

  /** Makes one for each node. */
  static Disks of(int nodes, Path dir) {
    Disks disks = new Disks(dir);
    String impossible = impossible();
    try {
      for (int id = 1; id <= nodes; id++) {
        Files.createDirectories(disks.mount(id));
        if (impossible.isEmpty()) {
          impossible = disks.make(id);
        }
        Files.createDirectories(disks.data(id));
      }
    } catch (IOException e) {
      disks.close();
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      disks.close();
      throw e;
    }
    if (!impossible.isEmpty()) {
      disks.missing.put(Ability.FULL_DISK, impossible);
      disks.missing.put(Ability.POWER_CUT, impossible);
    }
    return disks;
  }

  private static String impossible() {
    if (!Tools.isRoot()) {
      return "only root may mount file systems";
    }
    for (String program : List.of("mkfs.ext4", "mount", "umount", "perl")) {
      if (!Tools.has(program)) {
        return "there is no program '" + program + "'";
      }
    }
    return "";
  }

  private String make(int id) throws IOException {
    try (var image = new java.io.RandomAccessFile(image(id).toFile(), "rw")) {
      image.setLength(IMAGE_BYTES);
    }
    Tools.run("mkfs.ext4", "-q", "-F", "-m", "0", image(id).toString());
    Tools.Result result = Tools.tryRun(mountWords(id));
    if (result.exitCode() != 0) {
      return "a file cannot be mounted: " + result.output();
    }
    mounted.add(id);
    return "";
  }

  private List<String> mountWords(int id) {
    return List.of("mount", "-o", "loop", image(id).toString(), mount(id).toString());
  }

  private Path image(int id) {
    return dir.resolve("disk-" + id + ".image");
  }

  private Path mount(int id) {
    return dir.resolve("disk-" + id);
  }

  /** The data directory of a node. */
  Path data(int id) {
    return mount(id).resolve("data");
  }

  /** What they cannot do, and why. */
  Map<Ability, String> missing() {
    return missing;
  }

  /** Leaves no room. */
  void fill(int id) {
    require(Ability.FULL_DISK);
    Path filler = mount(id).resolve("filler");
    try {
      long bytes = Files.getFileStore(mount(id)).getUsableSpace();
      // At once, but for a little that may be needed to note where it lies.
      Tools.attempt("fallocate", "-l", Long.toString(bytes - bytes / 256), filler.toString());
      try (OutputStream rest =
          Files.newOutputStream(filler, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
        byte[] zeros = new byte[4096];
        while (true) {
          rest.write(zeros);
        }
      }
    } catch (IOException e) {
      if (!Files.exists(filler)) {
        throw new UncheckedIOException(e);
      } // else it is full
    }
  }

  /** Deletes what filled it. */
  void free(int id) {
    try {
      Files.deleteIfExists(mount(id).resolve("filler"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** No further write reaches the disk, nor does what is in memory only. */
  void switchOff(int id) {
    require(Ability.POWER_CUT);
    Tools.run("perl", "-e", SWITCH_OFF, mount(id).toString());
  }

  /** Shows what is on the disk; no process may use it. */
  synchronized void switchOn(int id) {
    for (int tries = 1; ; tries++) {
      Tools.Result result = Tools.tryRun(List.of("umount", mount(id).toString()));
      if (result.exitCode() == 0) {
        break;
      }
      if (tries == 50) {
        throw new IllegalStateException("umount of node " + id + "'s disk: " + result.output());
      }
      Tools.run("sleep", "0.1"); // the kernel has not yet let go of the killed process's files
    }
    mounted.remove(id);
    if (!closed) {
      Tools.run(mountWords(id).toArray(new String[0]));
      mounted.add(id);
    }
  }

  private void require(Ability ability) {
    String why = missing.get(ability);
    if (why != null) {
      throw new UnsupportedOperationException(why);
    }
  }

  /** Unmounts; the images stay. */
  @Override
  public synchronized void close() {
    closed = true;
    for (int id : mounted) {
      Tools.attempt("umount", "-l", mount(id).toString());
    }
    mounted.clear();
  }
}
