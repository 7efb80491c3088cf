package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.option.RaftMetaStorageOptions;
import com.alipay.sofa.jraft.storage.RaftMetaStorage;
import io.kontiki.runtime.FaultHandler;
import io.kontiki.runtime.FileStore;
import io.kontiki.runtime.StorageException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A node's term and vote in the file {@code vote}: a {@link SealedFile} with magic "KVOT", version
 * 1 and this content:
 *
 * <pre>
 * offset 0  i64  term
 *        8  i32  node id that got the vote in this term, -1 for none
 * </pre>
 *
 * <p>JRaft goes on after a failed write and would give a vote that it may forget; hence a failure
 * is a fault (rules D1, M10) and the call throws, so that no answer goes out.
 */
final class VoteStorage implements RaftMetaStorage {
  private static final int MAGIC = 0x4b564f54;
  private static final int VERSION = 1;
  private static final int BYTES = 12;

  private final SealedFile file;
  private final FaultHandler faults;
  private volatile long term;
  private int votedFor = RaftPeers.NO_NODE;
  private final boolean found;

  /**
   * Reads what is stored.
   *
   * @throws StorageException if the file is not what was written
   */
  VoteStorage(FileStore store, FaultHandler faults) {
    this.file = new SealedFile(store, "vote", MAGIC, VERSION);
    this.faults = faults;
    @Nullable ByteBuffer content = file.read();
    this.found = content != null;
    if (content != null) {
      if (content.remaining() != BYTES) {
        throw new StorageException(
            StorageException.Kind.CORRUPT,
            "vote",
            -1,
            content.remaining() + " bytes, not " + BYTES);
      }
      term = content.getLong(0);
      votedFor = content.getInt(8);
    }
  }

  /** Whether there was a file; without one the node has never voted. */
  boolean found() {
    return found;
  }

  @Override
  public boolean init(RaftMetaStorageOptions options) {
    return true;
  }

  @Override
  public void shutdown() {
    // nothing is open
  }

  @Override
  public boolean setTerm(long newTerm) {
    store(newTerm, votedFor);
    return true;
  }

  /** Any thread. */
  @Override
  public long getTerm() {
    return term;
  }

  @Override
  public boolean setVotedFor(PeerId peer) {
    store(term, nodeId(peer));
    return true;
  }

  @Override
  public synchronized PeerId getVotedFor() {
    return votedFor == RaftPeers.NO_NODE ? PeerId.emptyPeer() : RaftPeers.peer(votedFor);
  }

  @Override
  public boolean setTermAndVotedFor(long newTerm, PeerId peer) {
    store(newTerm, nodeId(peer));
    return true;
  }

  private static int nodeId(PeerId peer) {
    return peer.isEmpty() ? RaftPeers.NO_NODE : RaftPeers.nodeId(peer);
  }

  private synchronized void store(long newTerm, int newVote) {
    ByteBuffer content = ByteBuffer.allocate(BYTES).putLong(newTerm).putInt(newVote).flip();
    try {
      file.write(content);
    } catch (StorageException e) {
      faults.onFault("term " + newTerm + " and vote " + newVote + " cannot be stored (D1)", e);
      throw e;
    }
    term = newTerm;
    votedFor = newVote;
  }
}
