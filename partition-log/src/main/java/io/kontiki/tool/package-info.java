/**
 * {@code kontiki log}: looks at the files of a node that does not run.
 *
 * <p><b>Shell.</b> Opens real directories and prints; knows the formats only through the classes
 * that own them. Start at {@link io.kontiki.tool.LogMain}.
 */
@NullMarked
package io.kontiki.tool;

import org.jspecify.annotations.NullMarked;
