package io.kontiki.group.machine;

import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupChange;
import io.kontiki.group.GroupImage;
import io.kontiki.group.GroupMachine;
import io.kontiki.group.GroupsImage;
import io.kontiki.group.codec.GroupCommandCodec;
import io.kontiki.group.codec.GroupsImageCodec;
import io.kontiki.raft.StateMachine;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The state machine of a shard of groups.
 *
 * <ul>
 *   <li>What {@link StateMachine} demands to be called by one thread at a time is; {@link #view} is
 *       for all threads.
 *   <li>An entry is a batch of commands; the answer of {@link #apply} is a {@link
 *       GroupAnswer.Batch}.
 *   <li>An exception stops the node (rules M11, M17).
 * </ul>
 */
public final class GroupStateMachine implements StateMachine {
  /** Told by the apply thread; must not block. */
  public interface Listener {
    /**
     * The view has changed: once per batch of entries, before their proposers get their answers.
     *
     * @param changes in the order in which they were applied; a group may come several times, and
     *     what the view shows of it is the last
     */
    void onChanges(List<GroupChange> changes);

    /** The view is that of a snapshot: anything may have changed (rule M8). */
    void onRestored();

    /** See {@link StateMachine#onLeaderStart}. */
    void onLeaderStart(long term);

    /** See {@link StateMachine#onLeaderStop}. */
    void onLeaderStop(long term);

    /** See {@link StateMachine#onFollowing}. */
    void onFollowing(int leaderId, long term);
  }

  private final Listener listener;
  private final GroupView view = new GroupView();
  private GroupMachine machine = new GroupMachine();
  private long index;
  private List<GroupChange> unpublished = new ArrayList<>();

  public GroupStateMachine(Listener listener) {
    this.listener = listener;
  }

  /** What readers see. */
  public GroupView view() {
    return view;
  }

  @Override
  public GroupAnswer.Batch apply(long entry, ByteBuffer command) {
    if (entry <= index) {
      throw new IllegalStateException(
          "entry " + entry + " after entry " + index + ": indexes must grow");
    }
    GroupMachine.Applied applied = machine.apply(GroupCommandCodec.decode(entry, command));
    index = entry;
    unpublished.addAll(applied.changes());
    return applied.batch();
  }

  @Override
  public void onApplied(long entry) {
    index = Math.max(index, entry);
    if (unpublished.isEmpty()) {
      return;
    }
    List<GroupChange> changes = unpublished;
    unpublished = new ArrayList<>();
    for (GroupChange change : changes) {
      GroupImage group = machine.group(change.group());
      if (group == null) {
        view.remove(change.group());
      } else {
        view.put(group);
      }
    }
    listener.onChanges(changes);
  }

  @Override
  public SnapshotSource snapshot() {
    GroupsImage groups = machine.image();
    long at = index;
    return out -> GroupsImageCodec.write(new GroupsImageCodec.Snapshot(at, groups), out);
  }

  @Override
  public void restore(InputStream snapshot) throws IOException {
    GroupsImageCodec.Snapshot read = GroupsImageCodec.read(snapshot);
    machine = new GroupMachine(read.groups());
    index = read.index();
    unpublished = new ArrayList<>();
    view.replace(read.groups().groups());
    listener.onRestored();
  }

  @Override
  public void onLeaderStart(long term) {
    listener.onLeaderStart(term);
  }

  @Override
  public void onLeaderStop(long term) {
    listener.onLeaderStop(term);
  }

  @Override
  public void onFollowing(int leaderId, long term) {
    listener.onFollowing(leaderId, term);
  }
}
