package io.kontiki.config;

import java.util.function.Function;

/**
 * One key of a configuration, declared once, as a constant beside the record that it fills.
 *
 * @param <T> the type of the value
 * @param name flat, with dots, unit at the end: {@code retention.ms}
 * @param defaultText the default as a user would write it; empty where the key must be given or an
 *     empty value means something
 * @param required whether a server refuses to start without it
 * @param unit "ms", "bytes", "" …
 * @param doc what it does, for the reference page: whole sentences
 * @param parser reads the text; throws IllegalArgumentException with what would be right
 */
public record ConfigKey<T>(
    String name,
    String defaultText,
    boolean required,
    String unit,
    String doc,
    Function<String, T> parser) {}
