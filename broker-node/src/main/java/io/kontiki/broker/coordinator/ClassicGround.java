package io.kontiki.broker.coordinator;

import io.kontiki.group.GroupCommand;
import io.kontiki.group.GroupImage;
import io.kontiki.runtime.Clock;
import io.kontiki.runtime.Completion;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What a classic group at its coordinator works with. */
interface ClassicGround {
  Clock clock();

  /** The group as applied. */
  @Nullable GroupImage image(String group);

  void propose(GroupCommand command, Completion<ProposalQueue.End> end);

  CoordinatorEvents events();

  /** Makes the random part of a member's id. */
  Supplier<String> ids();

  /** Something of the group is due then, perhaps earlier than what was due next. */
  void wake(ClassicGroup group, long at);

  /** Members, and bytes that they have told, are kept, or with negative numbers not any more. */
  void hold(int members, int bytes);

  /** Too many bytes are kept, of all groups. */
  boolean full();

  /** It is not to be used any more: what is known of it is read from the state again. */
  void forget(ClassicGroup group);
}
