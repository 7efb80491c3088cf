package io.kontiki.broker.api;

import io.kontiki.model.ApiError;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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

  /** Why a list cannot be asked for so; null: it can. */
  public static @Nullable ApiError refusal(int pageSize, String token) {
    if (pageSize < 0) {
      return Refusals.invalidField("page_size", pageSize + " is negative");
    }
    return name(token).isPresent()
        ? null
        : Refusals.invalidField("page_token", "'" + token + "' is not a token of a response");
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
