package io.kontiki.broker.http;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * A response before it is written.
 *
 * @param headers besides length and type
 * @param close whether the connection ends with it
 */
record HttpAnswer(
    int status, String contentType, byte[] body, Map<String, String> headers, boolean close) {
  static HttpAnswer text(int status, String text) {
    return new HttpAnswer(
        status,
        "text/plain; charset=utf-8",
        (text + "\n").getBytes(StandardCharsets.UTF_8),
        Map.of(),
        false);
  }

  static HttpAnswer json(int status, String json) {
    return new HttpAnswer(
        status, "application/json", json.getBytes(StandardCharsets.UTF_8), Map.of(), false);
  }

  HttpAnswer with(String header, String value) {
    Map<String, String> more = new TreeMap<>(headers);
    more.put(header, value);
    return new HttpAnswer(status, contentType, body, more, close);
  }

  HttpAnswer closing() {
    return new HttpAnswer(status, contentType, body, headers, true);
  }
}
