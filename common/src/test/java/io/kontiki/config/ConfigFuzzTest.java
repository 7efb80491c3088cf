package io.kontiki.config;

import io.kontiki.runtime.memory.ParserFuzz;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Settings of any text: a value or a refusal that names the key. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ConfigFuzzTest {
  private static final int ROUNDS = Integer.getInteger("kontiki.fuzz.rounds", 20_000);

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void anyTextForAnyKeyIsReadOrRefusedByName() {
    List<byte[]> values = new ArrayList<>();
    for (String value :
        List.of(
            "64m",
            "1g",
            "300000",
            "-1",
            "true",
            "1@127.0.0.1:7603,2@[::1]:7603",
            "host:7601",
            "fsync",
            "delete,compact",
            "io.kontiki=DEBUG",
            "9223372036854775807")) {
      values.add(text(value));
    }
    List<String> keys = NodeConfig.keys().stream().map(ConfigKey::name).toList();
    ParserFuzz fuzz =
        new ParserFuzz(
            "configuration",
            values,
            e -> e instanceof ConfigException refused && refused.getMessage() != null);
    fuzz.run(
        ROUNDS,
        bytes -> {
          String key = keys.get(Math.floorMod(java.util.Arrays.hashCode(bytes), keys.size()));
          String setting = key + "=" + new String(bytes, StandardCharsets.UTF_8);
          NodeConfig.read(ConfigSources.NONE.withOverrides(List.of(setting)));
        });
  }

  @Test
  void anyTextForTheSettingsOfATopicIsReadOrRefused() {
    List<byte[]> values =
        List.of(
            text("retention.ms=60000"), text("min.insync.replicas=2"), text("segment.bytes=1m"));
    new ParserFuzz("topic settings", values, e -> e instanceof IllegalArgumentException)
        .run(
            ROUNDS,
            bytes -> {
              String[] parts = new String(bytes, StandardCharsets.UTF_8).split("=", 2);
              TopicConfig.parse(Map.of(parts[0], parts.length > 1 ? parts[1] : ""))
                  .fold(
                      good -> good,
                      error -> {
                        throw new IllegalArgumentException(error.message());
                      });
            });
  }
}
