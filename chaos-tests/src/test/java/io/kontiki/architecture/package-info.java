/** Which package may know which: the rules of docs/architecture.md, checked on byte code. */
@NullMarked
package io.kontiki.architecture;

import org.jspecify.annotations.NullMarked;
