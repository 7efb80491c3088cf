package io.kontiki.chaos.mutation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The sources of the modules under test. */
final class SourceTree {
  private static final List<String> MODULES =
      List.of("common", "partition-log", "metadata-raft", "broker-node");

  private static final String SCENARIOS = "broker-node/src/test/resources/scenarios";

  private final Path root;

  private SourceTree(Path root) {
    this.root = root;
  }

  /** Finds it from the working directory upwards. */
  static SourceTree find() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.isDirectory(directory.resolve("partition-log/src"))) {
      directory = directory.getParent();
    }
    if (directory == null) {
      throw new IllegalStateException("no source tree around " + Path.of("").toAbsolutePath());
    }
    return new SourceTree(directory);
  }

  /** Where the tests of a module were compiled to. */
  Path testClasses(String module) {
    return root.resolve(module).resolve("target/test-classes");
  }

  /** Golden scenarios of replication. */
  List<Path> scenarios() {
    try (Stream<Path> files = Files.list(root.resolve(SCENARIOS))) {
      return files.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The README that has the table of guards. */
  Path readme() {
    return root.resolve("chaos-tests/README.md");
  }

  /** The source of a top-level class. */
  String read(String className) {
    return readFile(file(className));
  }

  private Path file(String className) {
    String path = "src/main/java/" + className.replace('.', '/') + ".java";
    for (String module : MODULES) {
      Path file = root.resolve(module).resolve(path);
      if (Files.exists(file)) {
        return file;
      }
    }
    throw new IllegalArgumentException("none of " + MODULES + " has " + path);
  }

  static String readFile(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A source with some code changed.
   *
   * @throws IllegalArgumentException if they are not there exactly once: the guard has moved
   */
  static String edit(String source, Guard.Edit edit) {
    Matcher matcher = pattern(edit.before()).matcher(source);
    if (!matcher.find()) {
      throw new IllegalArgumentException(edit.className() + " has no\n" + edit.before());
    }
    String edited =
        source.substring(0, matcher.start()) + edit.after() + source.substring(matcher.end());
    if (matcher.find()) {
      throw new IllegalArgumentException(edit.className() + " has twice\n" + edit.before());
    }
    return edited;
  }

  private static final Pattern TOKEN = Pattern.compile("\\w+|[^\\w\\s]");

  /** White space and line comments between any two tokens. */
  private static final String BETWEEN = "(?:\\s|//[^\\n]*\\n)*";

  private static Pattern pattern(String text) {
    return Pattern.compile(
        TOKEN
            .matcher(text)
            .results()
            .map(
                token ->
                    token.group().matches("\\w+")
                        ? "\\b" + token.group() + "\\b"
                        : Pattern.quote(token.group()))
            .collect(Collectors.joining(BETWEEN)));
  }
}
