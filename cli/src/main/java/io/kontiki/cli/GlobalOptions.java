package io.kontiki.cli;

import io.kontiki.cli.admin.AdminClient;
import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Times;
import io.kontiki.cli.stream.GrpcAdmin;
import io.kontiki.model.Endpoint;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/**
 * The options that every command takes. What an option says wins over the environment, that over
 * the file, that over the default.
 */
final class GlobalOptions {
  private static final String DEFAULT_BOOTSTRAP = "127.0.0.1:7600";
  private static final int HTTP_PORT_DISTANCE = 2;
  private static final Set<String> FILE_KEYS = Set.of("bootstrap", "http", "timeout", "output");

  private final Map<String, String> env;
  private @Nullable Properties file;

  @Option(
      names = "--bootstrap",
      scope = ScopeType.INHERIT,
      paramLabel = "HOST:PORT[,...]",
      description =
          "gRPC addresses of brokers; any of them will do. KONTIKI_BOOTSTRAP; default "
              + DEFAULT_BOOTSTRAP
              + ".")
  private @Nullable String bootstrap;

  @Option(
      names = "--http",
      scope = ScopeType.INHERIT,
      paramLabel = "HOST:PORT[,...]",
      description =
          "HTTP addresses for administrative commands. KONTIKI_HTTP; default: the gRPC port + 2 of"
              + " the same hosts.")
  private @Nullable String http;

  @Option(
      names = "--timeout",
      scope = ScopeType.INHERIT,
      paramLabel = "DURATION",
      description = "How long to try, all tries together: 500ms, 5s, 2m. Default 30s.")
  private @Nullable String timeout;

  @Option(
      names = "--output",
      scope = ScopeType.INHERIT,
      paramLabel = "table|json",
      description = "How to print answers. Default table.")
  private @Nullable String output;

  @Option(
      names = "--command-config",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description = "A file with bootstrap, http, timeout or output as key = value.")
  private @Nullable Path commandConfig;

  GlobalOptions(Map<String, String> env) {
    this.env = env;
  }

  /**
   * Reads every value once.
   *
   * @throws CliException (usage) if one is wrong
   */
  void check() {
    output();
    timeout();
    http();
  }

  /** gRPC addresses, at least one. */
  List<Endpoint> bootstrap() {
    String text = firstOf(bootstrap, env.get("KONTIKI_BOOTSTRAP"), fromFile("bootstrap"));
    return endpoints("--bootstrap", text == null ? DEFAULT_BOOTSTRAP : text);
  }

  /** HTTP addresses, at least one. Where both kinds are given, the more explicit place wins. */
  List<Endpoint> http() {
    String[] https = {http, env.get("KONTIKI_HTTP"), fromFile("http")};
    String[] bootstraps = {bootstrap, env.get("KONTIKI_BOOTSTRAP"), fromFile("bootstrap")};
    for (int place = 0; place < https.length; place++) {
      if (given(https[place]) != null) {
        return endpoints("--http", https[place]);
      }
      if (given(bootstraps[place]) != null) {
        break;
      }
    }
    List<Endpoint> addresses = new ArrayList<>();
    for (Endpoint grpc : bootstrap()) {
      try {
        addresses.add(new Endpoint(grpc.host(), grpc.port() + HTTP_PORT_DISTANCE));
      } catch (IllegalArgumentException e) {
        throw CliException.usage(grpc + " leaves no room for the HTTP port; give --http");
      }
    }
    return addresses;
  }

  Duration timeout() {
    String text = firstOf(timeout, fromFile("timeout"), "30s");
    return usage("--timeout", () -> Times.duration(text == null ? "30s" : text));
  }

  OutputFormat output() {
    String text = firstOf(output, fromFile("output"), "table");
    return usage("--output", () -> OutputFormat.parse(text == null ? "table" : text));
  }

  boolean json() {
    return output() == OutputFormat.JSON;
  }

  AdminClient admin() {
    AdminClient.Fallback overGrpc =
        (method, request, deadline) -> new GrpcAdmin(bootstrap()).call(method, request, deadline);
    return new AdminClient(http(), mayUseGrpc() ? overGrpc : null, timeout());
  }

  /** Not where only HTTP addresses were given: a broker elsewhere is not the one that was meant. */
  private boolean mayUseGrpc() {
    return firstOf(http, env.get("KONTIKI_HTTP"), fromFile("http")) == null
        || firstOf(bootstrap, env.get("KONTIKI_BOOTSTRAP"), fromFile("bootstrap")) != null;
  }

  /** Refuses options that would be ignored by a command that starts its own brokers. */
  void refuseAddresses(String command) {
    if (bootstrap != null || http != null) {
      throw CliException.usage(
          command + " starts brokers of its own; --bootstrap and --http mean nothing to it");
    }
  }

  private interface Reading<T> {
    T read();
  }

  private static <T> T usage(String option, Reading<T> reading) {
    try {
      return reading.read();
    } catch (IllegalArgumentException e) {
      throw CliException.usage(option + ": " + e.getMessage());
    }
  }

  private static List<Endpoint> endpoints(String option, String text) {
    return usage(
        option,
        () -> {
          List<Endpoint> endpoints = new ArrayList<>();
          for (String one : text.split(",", -1)) {
            endpoints.add(Endpoint.parse(one.trim()));
          }
          return endpoints;
        });
  }

  private static @Nullable String given(@Nullable String text) {
    return text == null || text.isBlank() ? null : text;
  }

  private static @Nullable String firstOf(@Nullable String... texts) {
    for (String text : texts) {
      if (given(text) != null) {
        return text;
      }
    }
    return null;
  }

  private @Nullable String fromFile(String key) {
    if (commandConfig == null) {
      return null;
    }
    if (file == null) {
      file = read(commandConfig);
    }
    return file.getProperty(key);
  }

  private static Properties read(Path path) {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
      properties.load(reader);
    } catch (IOException e) {
      throw CliException.usage("--command-config: cannot read " + path + ": " + e);
    }
    for (String key : properties.stringPropertyNames()) {
      if (!FILE_KEYS.contains(key)) {
        throw CliException.usage(
            "--command-config: unknown key '"
                + key
                + "' in "
                + path
                + "; known are bootstrap, http, timeout and output");
      }
    }
    return properties;
  }
}
