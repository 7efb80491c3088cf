package io.kontiki.broker.api;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;

/**
 * Where the next page of a list begins. A token is bound to a name, not to a position: what is
 * there all the time is listed once.
 */
public final class PageToken {
  private PageToken() {}

  /**
   * The token behind a page.
   *
   * @param last name on it
   */
  public static String after(String last) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(last.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The name behind which the page begins; empty: it was no token.
   *
   * @param token empty: the first page, whose names follow on the empty name
   */
  public static Optional<String> name(String token) {
    try {
      return Optional.of(new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
