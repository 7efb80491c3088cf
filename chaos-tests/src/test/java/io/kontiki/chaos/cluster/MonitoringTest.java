package io.kontiki.chaos.cluster;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.kontiki.client.KontikiClient;
import io.kontiki.client.Producer;
import io.kontiki.client.ProducerOptions;
import io.kontiki.client.ProducerRecord;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The alert rules and the dashboard speak of metrics that a broker has. */
@Timeout(120)
final class MonitoringTest {
  private static final Path FILES = Path.of("../deploy/src/monitoring");
  private static final Pattern NAME = Pattern.compile("\\b(?:kontiki|jvm|process)_[a-z_]+");
  private static final Pattern EXPRESSION = Pattern.compile("^\\s*expr: (.*)$", Pattern.MULTILINE);

  @Test
  void everyMetricThatAnAlertOrTheDashboardNamesExists() throws Exception {
    Set<String> served;
    try (ProcessCluster cluster = ProcessCluster.start("monitoring", 1, Map.of());
        KontikiClient client = KontikiClient.connect(String.join(",", cluster.bootstrap()))) {
      cluster.createTopic("orders", 1, 1, Map.of());
      try (Producer producer = client.newProducer(ProducerOptions.DEFAULT)) {
        producer.send(ProducerRecord.of("orders", "key", "value")).get();
      }
      ServerNode node = cluster.node(1);
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> metrics(node).contains("kontiki_log_append_records_total{"));
      served = names(metrics(node));
    }
    Set<String> named = dashboardNames();
    assertTrue(named.size() > 20, named::toString);
    Set<String> alerts = alertNames();
    assertTrue(alerts.size() > 8, alerts::toString);
    named.addAll(alerts);
    named.removeAll(served);
    assertEquals(Set.of(), named, "named, and not served");
  }

  private static String metrics(ServerNode node) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://" + node.http() + "/metrics")).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private static Set<String> dashboardNames() throws IOException {
    Set<String> names = new TreeSet<>();
    JsonElement dashboard =
        JsonParser.parseString(Files.readString(FILES.resolve("grafana-dashboard.json")));
    for (JsonElement panel : dashboard.getAsJsonObject().getAsJsonArray("panels")) {
      for (JsonElement target : panel.getAsJsonObject().getAsJsonArray("targets")) {
        names.addAll(names(target.getAsJsonObject().get("expr").getAsString()));
      }
    }
    return names;
  }

  private static Set<String> alertNames() throws IOException {
    Set<String> names = new TreeSet<>();
    Matcher expression = EXPRESSION.matcher(Files.readString(FILES.resolve("kontiki-alerts.yml")));
    while (expression.find()) {
      names.addAll(names(expression.group(1)));
    }
    return names;
  }

  private static Set<String> names(String text) {
    Set<String> names = new TreeSet<>();
    Matcher name = NAME.matcher(text);
    while (name.find()) {
      names.add(name.group());
    }
    return names;
  }
}
