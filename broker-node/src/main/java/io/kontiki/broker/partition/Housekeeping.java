package io.kontiki.broker.partition;

/**
 * How a loop looks after its logs.
 *
 * @param conditions of the broker
 * @param checkNanos in so much time every log is looked at once (rule L6)
 */
public record Housekeeping(Conditions conditions, long checkNanos) {}
