package io.kontiki.client;

/**
 * The topics whose whole name a regular expression matches, those that appear later included. The
 * brokers evaluate it.
 *
 * @param regex in RE2 syntax
 */
public record SubscriptionPattern(String regex) {
  public SubscriptionPattern {
    if (regex.isEmpty()) {
      throw new IllegalArgumentException("an empty pattern matches no topic; .* matches all");
    }
  }
}
