package io.kontiki.kafka;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kontiki.broker.RealNodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.message.ApiMessageType.ListenerType;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.protocol.ApiKeys;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The table of docs/kafka-compatibility.md is what a broker says. */
class CompatibilityPageTest {
  private static final Path PAGE = Path.of("..", "docs", "kafka-compatibility.md");
  private static final String BEGIN = "<!-- generated: APIs -->\n";
  private static final String END = "<!-- end -->\n";

  /** Written by -Dkontiki.docs.write=true. */
  @Test
  void thePageListsWhatABrokerServes(@TempDir Path dir) throws IOException {
    String table;
    try (RealNodes nodes = new RealNodes(dir, 1);
        RawClient client = new RawClient(nodes.kafka(1))) {
      table =
          table(
              client.call(
                  ApiKeys.API_VERSIONS,
                  0,
                  new ApiVersionsRequestData(),
                  ApiVersionsResponseData.class));
    }
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    if (Boolean.getBoolean("kontiki.docs.write")) {
      Files.writeString(PAGE, page.substring(0, begin) + table + page.substring(end));
      return;
    }
    assertEquals(table, page.substring(begin, end), "write it with -Dkontiki.docs.write=true");
  }

  private static String table(ApiVersionsResponseData told) {
    StringBuilder table =
        new StringBuilder("| API | key | served | Apache Kafka 3.9 |\n|---|---|---|---|\n");
    for (ApiKeys key : ApiKeys.apisForListener(ListenerType.BROKER)) {
      ApiVersion served = told.apiKeys().find(key.id);
      table
          .append("| ")
          .append(key.name)
          .append(" | ")
          .append(key.id)
          .append(" | ")
          .append(served == null ? "no" : served.minVersion() + " to " + served.maxVersion())
          .append(" | ")
          .append(key.oldestVersion() + " to " + key.latestVersion(false))
          .append(" |\n");
    }
    return table.toString();
  }
}
