package io.kontiki.broker.quorum;

/** What else a node takes part in where it votes: the shards of consumer groups. */
public interface Voting {
  /**
   * This node votes, before its Raft starts; any thread.
   *
   * @param admittedIndex a metadata index at which its directory was on record after it had been
   *     taken in (M16); 0: it votes since the cluster was formed
   */
  void begin(long admittedIndex);

  /**
   * This node is no voter any more: has it taken out of everything else that counts votes, however
   * long that takes (M23). On the control loop.
   *
   * @param index of metadata in which it is none
   * @param out called there when nothing counts it
   */
  void depart(long index, Runnable out);

  /**
   * Stops what runs of that here and deletes what is left of it: nothing counts this node. Blocks;
   * not on the control loop.
   *
   * @throws io.kontiki.runtime.StorageException it was not deleted
   */
  void forget() throws InterruptedException;
}
