/**
 * The ports on the real machine: system clock, secure randomness, files by NIO, worker threads.
 *
 * <p><b>Shell.</b> Knows the ports and the JDK, nothing else.
 */
@NullMarked
package io.kontiki.runtime.system;

import org.jspecify.annotations.NullMarked;
