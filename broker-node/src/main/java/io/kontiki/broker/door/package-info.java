/**
 * Doors that other modules bring: they serve another protocol on the same request path.
 *
 * <p><b>Port.</b> Knows {@code broker.api} and what all doors share; knows no protocol. Start at
 * {@link io.kontiki.broker.door.FrontDoor}.
 */
@NullMarked
package io.kontiki.broker.door;

import org.jspecify.annotations.NullMarked;
