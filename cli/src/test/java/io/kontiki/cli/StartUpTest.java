package io.kontiki.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Time is counted in classes here: it is the same on every machine. */
final class StartUpTest {
  @Test
  void anAdministrativeCommandLoadsNeitherGrpcNorProtobuf() throws Exception {
    try (RecordedBroker broker = new RecordedBroker()) {
      broker.answer("ListTopics", 200, "{\"topics\":[],\"nextPageToken\":\"\"}");
      List<String> loaded = classesLoadedBy("topic", "list", "--http", broker.address());
      assertTrue(loaded.stream().anyMatch(name -> name.startsWith("picocli.")));
      List<String> heavy =
          loaded.stream()
              .filter(
                  name ->
                      name.startsWith("io.grpc.")
                          || name.startsWith("io.netty.")
                          || name.startsWith("io.kontiki.v1.")
                          || name.startsWith("com.google.")
                          || name.startsWith("org.slf4j."))
              .toList();
      assertEquals(List.of(), heavy);
    }
  }

  private static List<String> classesLoadedBy(String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xlog:class+load",
                "-cp",
                System.getProperty("java.class.path"),
                KontikiCli.class.getName()));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return log.lines()
        .filter(line -> line.contains("[class,load] "))
        .map(line -> line.substring(line.indexOf("[class,load] ") + 13).split(" ")[0])
        .toList();
  }
}
