package io.kontiki.group;

import io.kontiki.model.PartitionId;
import io.kontiki.model.TopicId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The committed offsets of a group: immutable, in order of the partitions. A changed table shares
 * with the old one all leaves that did not change, so that a commit costs a leaf and the spine, and
 * readers keep what they have.
 */
public final class OffsetTable {
  /** No offsets. */
  public static final OffsetTable EMPTY = new OffsetTable(List.of(), 0, 0);

  private static final int LEAF = 64;

  private final List<Leaf> leaves;
  private final int size;
  private final long metadataChars;

  private OffsetTable(List<Leaf> leaves, int size, long metadataChars) {
    this.leaves = leaves;
    this.size = size;
    this.metadataChars = metadataChars;
  }

  /** How many. */
  public int size() {
    return size;
  }

  /** Characters of the metadata of all. */
  public long metadataChars() {
    return metadataChars;
  }

  /** The partition's, or null. */
  public @Nullable CommittedOffset get(PartitionId partition) {
    int at = leafOf(leaves, partition);
    return at < 0 ? null : leaves.get(at).get(partition);
  }

  /** Whether there is any for the topic. */
  public boolean has(TopicId topic) {
    PartitionId first = new PartitionId(topic, 0);
    int at = leafOf(leaves, first);
    for (int i = Math.max(0, at); i < leaves.size() && i <= at + 1; i++) {
      PartitionId next = leaves.get(i).ceiling(first);
      if (next != null) {
        return next.topicId().equals(topic);
      }
    }
    return false;
  }

  /** All, in order. */
  public void forEach(BiConsumer<PartitionId, CommittedOffset> action) {
    for (Leaf leaf : leaves) {
      for (int i = 0; i < leaf.count; i++) {
        action.accept(leaf.keys[i], leaf.values[i]);
      }
    }
  }

  /** A copy as a map. */
  public SortedMap<PartitionId, CommittedOffset> toMap() {
    TreeMap<PartitionId, CommittedOffset> map = new TreeMap<>();
    forEach(map::put);
    return map;
  }

  /** Those of some partitions, as far as there are any. */
  public SortedMap<PartitionId, CommittedOffset> pick(Iterable<PartitionId> partitions) {
    TreeMap<PartitionId, CommittedOffset> found = new TreeMap<>();
    for (PartitionId partition : partitions) {
      CommittedOffset offset = get(partition);
      if (offset != null) {
        found.put(partition, offset);
      }
    }
    return found;
  }

  /** The partitions of a topic, in order. */
  public List<PartitionId> of(TopicId topic) {
    List<PartitionId> found = new ArrayList<>();
    for (int i = Math.max(0, leafOf(leaves, new PartitionId(topic, 0))); i < leaves.size(); i++) {
      Leaf leaf = leaves.get(i);
      if (leaf.keys[0].topicId().compareTo(topic) > 0) {
        break;
      }
      for (int k = 0; k < leaf.count; k++) {
        if (leaf.keys[k].topicId().equals(topic)) {
          found.add(leaf.keys[k]);
        }
      }
    }
    return found;
  }

  /** A table that begins as this one. */
  public Editor edit() {
    return new Editor(this);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof OffsetTable table
        && size == table.size
        && toMap().equals(table.toMap());
  }

  @Override
  public int hashCode() {
    return toMap().hashCode();
  }

  @Override
  public String toString() {
    return toMap().toString();
  }

  /** The last leaf that begins at or before the partition; -1: before all. */
  private static int leafOf(List<Leaf> leaves, PartitionId partition) {
    int low = 0;
    int high = leaves.size() - 1;
    while (low <= high) {
      int mid = (low + high) >>> 1;
      if (leaves.get(mid).keys[0].compareTo(partition) <= 0) {
        low = mid + 1;
      } else {
        high = mid - 1;
      }
    }
    return high;
  }

  /** A table that is being changed. Not thread-safe. */
  public static final class Editor {
    private OffsetTable table;
    // Non-null: the spine is ours, and so are the leaves that name us.
    private @Nullable List<Leaf> own;
    private int size;
    private long metadataChars;

    private Editor(OffsetTable table) {
      this.table = table;
      size = table.size;
      metadataChars = table.metadataChars;
    }

    private List<Leaf> leaves() {
      return own == null ? table.leaves : own;
    }

    private List<Leaf> ownLeaves() {
      if (own == null) {
        own = new ArrayList<>(table.leaves);
      }
      return own;
    }

    int size() {
      return size;
    }

    long metadataChars() {
      return metadataChars;
    }

    @Nullable CommittedOffset get(PartitionId partition) {
      int at = leafOf(leaves(), partition);
      return at < 0 ? null : leaves().get(at).get(partition);
    }

    /** Stores an offset. */
    public void put(PartitionId partition, CommittedOffset offset) {
      List<Leaf> all = ownLeaves();
      metadataChars += offset.metadata().length();
      if (all.isEmpty()) {
        Leaf first = new Leaf(this);
        first.insert(0, partition, offset);
        all.add(first);
        size++;
        return;
      }
      int at = Math.max(0, leafOf(all, partition));
      Leaf leaf = all.get(at).ownedBy(this);
      all.set(at, leaf);
      int slot = leaf.slot(partition);
      if (slot >= 0) {
        metadataChars -= leaf.values[slot].metadata().length();
        leaf.values[slot] = offset;
        return;
      }
      size++;
      leaf.insert(-slot - 1, partition, offset);
      if (leaf.count == LEAF) {
        all.add(at + 1, leaf.split(this));
      }
    }

    void remove(PartitionId partition) {
      int at = leafOf(leaves(), partition);
      int slot = at < 0 ? -1 : leaves().get(at).slot(partition);
      if (slot < 0) {
        return;
      }
      List<Leaf> all = ownLeaves();
      Leaf leaf = all.get(at).ownedBy(this);
      all.set(at, leaf);
      metadataChars -= leaf.values[slot].metadata().length();
      size--;
      leaf.remove(slot);
      if (leaf.count == 0) {
        all.remove(at);
      }
    }

    /** What it is now; later changes do not touch it. */
    public OffsetTable build() {
      if (own != null) {
        table = new OffsetTable(Collections.unmodifiableList(own), size, metadataChars);
        own.forEach(leaf -> leaf.owner = null);
        own = null;
      }
      return table;
    }
  }

  /** Neighbouring partitions, at least one. Changed only by the editor that it names. */
  private static final class Leaf {
    private @Nullable Editor owner;
    private final PartitionId[] keys = new PartitionId[LEAF];
    private final CommittedOffset[] values = new CommittedOffset[LEAF];
    private int count;

    Leaf(Editor owner) {
      this.owner = owner;
    }

    Leaf ownedBy(Editor editor) {
      if (owner == editor) {
        return this;
      }
      Leaf copy = new Leaf(editor);
      copy.take(this, 0, count);
      return copy;
    }

    private void take(Leaf from, int first, int howMany) {
      System.arraycopy(from.keys, first, keys, 0, howMany);
      System.arraycopy(from.values, first, values, 0, howMany);
      count = howMany;
    }

    /** As {@link Arrays#binarySearch}. */
    int slot(PartitionId partition) {
      return Arrays.binarySearch(keys, 0, count, partition);
    }

    @Nullable CommittedOffset get(PartitionId partition) {
      int slot = slot(partition);
      return slot < 0 ? null : values[slot];
    }

    @Nullable PartitionId ceiling(PartitionId partition) {
      int slot = slot(partition);
      int at = slot >= 0 ? slot : -slot - 1;
      return at < count ? keys[at] : null;
    }

    void insert(int slot, PartitionId key, CommittedOffset value) {
      System.arraycopy(keys, slot, keys, slot + 1, count - slot);
      System.arraycopy(values, slot, values, slot + 1, count - slot);
      keys[slot] = key;
      values[slot] = value;
      count++;
    }

    void remove(int slot) {
      count--;
      System.arraycopy(keys, slot + 1, keys, slot, count - slot);
      System.arraycopy(values, slot + 1, values, slot, count - slot);
      Arrays.fill(keys, count, count + 1, null);
      Arrays.fill(values, count, count + 1, null);
    }

    /** Gives its upper half to a new leaf. */
    Leaf split(Editor editor) {
      int half = count / 2;
      Leaf upper = new Leaf(editor);
      upper.take(this, half, count - half);
      Arrays.fill(keys, half, count, null);
      Arrays.fill(values, half, count, null);
      count = half;
      return upper;
    }
  }
}
