package io.kontiki.broker.session;

/**
 * The time of an event.
 *
 * @param nanos monotonic
 * @param wallMs since 1970; may jump
 */
public record Now(long nanos, long wallMs) {}
