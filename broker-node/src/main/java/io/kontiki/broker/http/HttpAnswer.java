package io.kontiki.broker.http;

import java.util.Map;
import java.util.TreeMap;

/**
 * A response before it is written.
 *
 * @param body sent in UTF-8
 * @param headers besides length and type
 * @param close whether the connection ends with it
 */
record HttpAnswer(
    int status, String contentType, String body, Map<String, String> headers, boolean close) {
  static HttpAnswer text(int status, String text) {
    return new HttpAnswer(status, "text/plain; charset=utf-8", text + "\n", Map.of(), false);
  }

  static HttpAnswer json(int status, String json) {
    return new HttpAnswer(status, "application/json", json, Map.of(), false);
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
