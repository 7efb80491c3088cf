package io.kontiki.chaos.examples;

import io.kontiki.chaos.examples.Language.MissingException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * A copy of the examples and the contract in {@code target}, at the same places to each other as in
 * the repository, so that stubs are generated as the README says, and not into the sources. What is
 * fetched lies beside it and stays for the next run.
 */
final class ExampleTree {
  private static final Path MODULE = Path.of("").toAbsolutePath();
  private static final Path SOURCES = MODULE.resolve("../client-sdk/examples").normalize();
  private static final Path PROTOS = MODULE.resolve("../proto/src/main/protobuf").normalize();
  private static final Path TARGET = MODULE.resolve("target/examples");
  private static final long PATIENCE_MINUTES = 8;

  private final Path root = TARGET.resolve("tree");

  ExampleTree() throws IOException {
    delete(root);
    for (Language language : Language.values()) {
      Files.createDirectories(cache(language.folderName()));
    }
    copy(SOURCES, examples());
    copy(PROTOS, protos());
  }

  /** The folder with the languages. */
  Path examples() {
    return root.resolve("client-sdk/examples");
  }

  /** The examples as they are in the repository. */
  static Path sources() {
    return SOURCES;
  }

  Path protos() {
    return root.resolve("proto/src/main/protobuf");
  }

  /** What a language keeps from run to run. */
  Path cache(String language) {
    return TARGET.resolve("cache").resolve(language);
  }

  /** Whether the same was installed before. */
  boolean isInstalled(Path home, Path wanted) throws IOException {
    Path mark = home.resolve("installed");
    return Files.exists(mark) && Files.mismatch(mark, wanted) == -1;
  }

  void markInstalled(Path home, Path wanted) throws IOException {
    Files.copy(wanted, home.resolve("installed"), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Runs something that needs a registry. */
  void install(List<String> command) throws IOException, MissingException {
    install(root, Map.of(), command);
  }

  /** Runs something that needs a registry. */
  void install(Path dir, Map<String, String> environment, List<String> command)
      throws IOException, MissingException {
    Path log = TARGET.resolve("install.log");
    int code = run(dir, environment, command, log);
    if (code != 0) {
      throw new MissingException(
          String.join(" ", command) + " ended with " + code + ": " + tail(log));
    }
  }

  /** Runs something that must go. */
  void build(Path dir, Map<String, String> environment, List<String> command) throws IOException {
    Path log = TARGET.resolve("build.log");
    int code = run(dir, environment, command, log);
    if (code != 0) {
      throw new AssertionError(
          String.join(" ", command) + " ended with " + code + ": " + tail(log));
    }
  }

  private static int run(Path dir, Map<String, String> environment, List<String> command, Path log)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(dir.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    try {
      if (process.waitFor(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        return process.exitValue();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    return -1;
  }

  private static String tail(Path log) throws IOException {
    List<String> lines = Files.readAllLines(log);
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 15), lines.size()));
  }

  /** Whether a program is there to be run. */
  static boolean has(String program) {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .anyMatch(dir -> Files.isExecutable(Path.of(dir, program)));
  }

  /** The compiler that has just made the Java stubs: it lies beside protobuf's jar. */
  Path protoc() throws IOException, MissingException {
    String system =
        System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("mac") ? "osx" : "linux";
    String machine = System.getProperty("os.arch").equals("aarch64") ? "aarch_64" : "x86_64";
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path jar = Path.of(entry);
      if (jar.getFileName().toString().matches("protobuf-java-[0-9.]+\\.jar")) {
        Path version = jar.getParent();
        Path protoc =
            version
                .resolveSibling("../protoc")
                .resolve(version.getFileName())
                .resolve("protoc-" + version.getFileName() + "-" + system + "-" + machine + ".exe")
                .normalize();
        if (Files.exists(protoc)) {
          Path runnable = TARGET.resolve("protoc");
          Files.deleteIfExists(runnable);
          Files.copy(protoc, runnable);
          unpackWellKnown(jar);
          if (!runnable.toFile().setExecutable(true)) {
            throw new IOException(runnable + " cannot be made executable");
          }
          return runnable;
        }
      }
    }
    throw new MissingException("no protoc beside protobuf-java of the class path");
  }

  /** The files that every protoc brings, where it looks for them: beside it. */
  private static void unpackWellKnown(Path jar) throws IOException {
    Path dir = Files.createDirectories(TARGET.resolve("google/protobuf"));
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      for (String name : List.of("descriptor.proto", "duration.proto", "timestamp.proto")) {
        try (InputStream from = zip.getInputStream(zip.getEntry("google/protobuf/" + name))) {
          Files.copy(from, dir.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path one : all.toList()) {
        Path target = to.resolve(from.relativize(one).toString());
        if (Files.isDirectory(one)) {
          Files.createDirectories(target);
        } else {
          Files.copy(one, target);
        }
      }
    }
  }

  private static void delete(Path dir) throws IOException {
    if (!Files.exists(dir)) {
      return;
    }
    try (Stream<Path> all = Files.walk(dir)) {
      all.sorted(java.util.Comparator.reverseOrder())
          .forEach(
              path -> {
                try {
                  Files.delete(path);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
  }
}
