package io.kontiki.broker;

import org.jspecify.annotations.Nullable;

/** Of this software. */
final class Version {
  /** As the jar says, or "dev" when run from classes. */
  static final String TEXT = text(Version.class.getPackage().getImplementationVersion());

  private Version() {}

  private static String text(@Nullable String fromJar) {
    return fromJar == null ? "dev" : fromJar;
  }
}
