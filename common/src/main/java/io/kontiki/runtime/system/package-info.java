/** The ports on the real machine: system clock, secure randomness, files by NIO. <b>Shell.</b> */
@NullMarked
package io.kontiki.runtime.system;

import org.jspecify.annotations.NullMarked;
