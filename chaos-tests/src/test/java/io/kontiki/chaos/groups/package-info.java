/**
 * Groups of consumers whose members are processes that come, go, freeze and die, while brokers do.
 *
 * <p>Shell. Start at {@code GroupMembersTest}.
 */
@NullMarked
package io.kontiki.chaos.groups;

import org.jspecify.annotations.NullMarked;
