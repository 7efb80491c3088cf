/**
 * The {@code kontiki} command: reads arguments, asks a broker, prints.
 *
 * <p><b>Shell.</b> Knows brokers only through their public doors: JSON over HTTP for administration
 * (package {@code admin}), gRPC for records (package {@code stream}), processes on this machine
 * (package {@code local}). Administrative commands load neither gRPC nor protobuf classes, because
 * those cost more time than the call itself. Start at {@code KontikiCli}.
 */
@NullMarked
package io.kontiki.cli;

import org.jspecify.annotations.NullMarked;
