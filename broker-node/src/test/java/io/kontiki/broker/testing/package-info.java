/** In-memory ports for tests of the request path and its doors. */
@NullMarked
package io.kontiki.broker.testing;

import org.jspecify.annotations.NullMarked;
