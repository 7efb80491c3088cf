package io.kontiki.config;

import io.kontiki.model.Endpoint;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One door of a server.
 *
 * @param listen what it binds; port 0 lets the system choose
 * @param advertise what others are told, if that differs
 */
public record ListenerConfig(Endpoint listen, Optional<Endpoint> advertise) {
  static final Keys GRPC =
      new Keys("grpc", "127.0.0.1:7600", "clients (gRPC: kontiki.v1, kontiki.raw.v1)");
  static final Keys RAFT =
      new Keys(
          "raft",
          "127.0.0.1:7601",
          "other brokers alone: Raft, sessions, metadata watch. Clients must not reach it");
  static final Keys HTTP =
      new Keys(
          "http", "127.0.0.1:7602", "people and tools: metrics, health, administration in JSON");
  static final Keys REPLICATION =
      new Keys(
          "replication",
          "127.0.0.1:7604",
          "other brokers alone: log streams, forwarding. Clients must not reach it");

  static final Keys KAFKA = new Keys("kafka", "", "clients of Apache Kafka. Empty: off");

  /** What others are told, given the port that was bound. */
  public Endpoint advertised(int boundPort) {
    return advertise.orElseGet(() -> new Endpoint(listen.host(), boundPort));
  }

  /** The two keys of a listener. */
  record Keys(ConfigKey<Optional<Endpoint>> listen, ConfigKey<Optional<Endpoint>> advertise) {
    Keys(String name, String defaultListen, String whom) {
      this(
          new ConfigKey<>(
              name + ".listen",
              defaultListen,
              false,
              "",
              "HOST:PORT to listen on for " + whom + ".",
              optional(Endpoint::parse)),
          new ConfigKey<>(
              name + ".advertise",
              "",
              false,
              "",
              "HOST:PORT under which others reach "
                  + name
                  + ".listen. Empty: as that is; required if that is a wildcard address.",
              optional(Endpoint::parse)));
    }

    List<ConfigKey<?>> all() {
      return List.of(listen, advertise);
    }

    /** A door that is off unless it has an address. */
    Optional<ListenerConfig> optionalFrom(Config config, List<String> errors) {
      if (config.get(listen).isPresent()) {
        return Optional.of(from(config, errors));
      }
      config
          .get(advertise)
          .ifPresent(
              endpoint ->
                  errors.add(
                      advertise.name() + " = " + endpoint + " needs " + listen.name() + ", too"));
      return Optional.empty();
    }

    ListenerConfig from(Config config, List<String> errors) {
      Optional<Endpoint> bound = config.get(listen);
      if (bound.isEmpty()) {
        errors.add(listen.name() + " must not be empty");
        return new ListenerConfig(new Endpoint("127.0.0.1", 0), Optional.empty());
      }
      Optional<Endpoint> told = config.get(advertise);
      String host = bound.get().host();
      boolean wildcard = host.equals("0.0.0.0") || host.equals("::");
      if (wildcard && told.isEmpty()) {
        errors.add(
            advertise.name() + " must be set, because " + listen.name() + " is a wildcard address");
      }
      if (told.isPresent() && told.get().port() == 0) {
        errors.add(advertise.name() + " = " + told.get() + ": port 0 cannot be reached");
      }
      return new ListenerConfig(bound.get(), told);
    }

    private static <T> Function<String, Optional<T>> optional(Function<String, T> parser) {
      return text -> text.isEmpty() ? Optional.empty() : Optional.of(parser.apply(text));
    }
  }
}
