package io.kontiki.chaos.cluster;

/**
 * What those who write saw of some trouble.
 *
 * @param strictNanos the longest time in which one partition acknowledged nothing
 * @param partition that one
 * @param overallNanos the longest time in which no partition acknowledged anything
 * @param waitNanos the longest time from when a record was due to its outcome; also of records that
 *     could not even be sent when they were due
 */
record Outage(long strictNanos, int partition, long overallNanos, long waitNanos) {}
