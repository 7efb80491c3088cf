/**
 * Which member of a group should have which partition: deterministic functions of members,
 * subscriptions and present owners.
 *
 * <p><b>Pure.</b> Knows nothing but partitions. Start at {@link
 * io.kontiki.group.assign.Subscribers}.
 */
@NullMarked
package io.kontiki.group.assign;

import org.jspecify.annotations.NullMarked;
