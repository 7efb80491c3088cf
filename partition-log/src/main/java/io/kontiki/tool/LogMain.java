package io.kontiki.tool;

import io.kontiki.runtime.StorageException;
import io.kontiki.runtime.system.DirectoryLock;
import io.kontiki.runtime.system.DiskFileStore;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The main class of {@code kontiki log}.
 *
 * <p>Exit codes: 0 all is well, 1 damage, or it could not be done, 2 usage.
 */
public final class LogMain {
  private static final String USAGE =
      """
      usage: kontiki log dump FILE [--records] [--output text|json]
             kontiki log verify DIR [--output text|json]

      dump    prints a segment, an index, a time index, leader epochs or a checkpoint
      verify  checks everything in the data directory of a node that is stopped; exit code 1 on
              damage, which it lists with file, position and offset
      """;

  private LogMain() {}

  /** Runs one command and ends the process. */
  public static void main(String[] args) {
    int code = run(List.of(args), System.out, System.err);
    System.out.flush();
    System.exit(code);
  }

  /** Runs one command. */
  static int run(List<String> args, PrintStream out, PrintStream err) {
    List<String> words = new ArrayList<>();
    boolean json = false;
    boolean records = false;
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      if (arg.equals("--records")) {
        records = true;
      } else if (arg.equals("--output") && i + 1 < args.size()) {
        i++;
        json = args.get(i).equals("json");
        if (!json && !args.get(i).equals("text")) {
          return usage(err, "--output is text or json, not '" + args.get(i) + "'");
        }
      } else if (arg.equals("--help") || arg.equals("-h")) {
        out.print(USAGE);
        return 0;
      } else if (arg.startsWith("-")) {
        return usage(err, "unknown option " + arg);
      } else {
        words.add(arg);
      }
    }
    if (words.size() != 2) {
      return usage(err, "a command and what it looks at are needed");
    }
    Path path = Path.of(words.get(1));
    try {
      return switch (words.get(0)) {
        case "dump" -> dump(path, records, new Report(out, json), err);
        case "verify" -> verify(path, new Report(out, json), err);
        default -> usage(err, "unknown command " + words.get(0));
      };
    } catch (StorageException e) {
      err.println("kontiki: " + e.getMessage());
      return 1;
    }
  }

  private static int usage(PrintStream err, String what) {
    err.println("kontiki: " + what);
    err.print(USAGE);
    return 2;
  }

  private static int dump(Path path, boolean records, Report report, PrintStream err) {
    Path file = path.toAbsolutePath().normalize();
    if (!Files.isRegularFile(file)) {
      err.println("kontiki: " + path + " is not a file");
      return 1;
    }
    Path directory = java.util.Objects.requireNonNull(file.getParent());
    String name = String.valueOf(file.getFileName());
    return new FileDump(new DiskFileStore(directory), name, report, records).run() ? 0 : 1;
  }

  @SuppressWarnings("try") // the lock is held, not used
  private static int verify(Path path, Report report, PrintStream err) {
    if (!Files.isDirectory(path)) {
      err.println("kontiki: " + path + " is not a directory");
      return 1;
    }
    // Either the data directory or the log/ in it.
    boolean data = Files.isDirectory(path.resolve("log"));
    Path real = path.toAbsolutePath().normalize();
    Path parent = real.getParent();
    Path locked = data || parent == null ? real : parent;
    if (!Files.exists(locked.resolve("kontiki.pid"))) {
      err.println("kontiki: " + path + " is not the data directory of a node");
      return 1;
    }
    DirectoryLock lock = DirectoryLock.acquire(locked, "kontiki.pid");
    try {
      Path log = data ? path.resolve("log") : path;
      return new DirectoryCheck(new DiskFileStore(log), report).run() ? 0 : 1;
    } finally {
      lock.close();
    }
  }
}
