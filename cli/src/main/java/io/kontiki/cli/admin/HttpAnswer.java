package io.kontiki.cli.admin;

import org.jspecify.annotations.Nullable;

/**
 * What an HTTP server answered.
 *
 * @param status 200, 404 …
 * @param retryAfterMs the Retry-After header; 0 if there is none
 * @param body as UTF-8
 */
public record HttpAnswer(int status, long retryAfterMs, String body) {
  /** The body as an object; null if it is none, and the server therefore no Kontiki. */
  public @Nullable JsonObject json() {
    try {
      return Json.parse(body) instanceof JsonObject object ? object : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }
}
