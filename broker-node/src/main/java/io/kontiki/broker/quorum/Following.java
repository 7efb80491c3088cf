package io.kontiki.broker.quorum;

import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.machine.MetadataStateMachine;
import io.kontiki.model.PartitionId;
import java.util.List;

/** A state machine's listener on a broker that does not vote: images are all there is. */
record Following(MetadataClient client) implements MetadataStateMachine.Listener {
  @Override
  public void onImage(ClusterImage image) {
    client.publish(image);
  }

  @Override
  public void onLeaderStart(long term) {
    throw new IllegalStateException("a broker that does not vote leads term " + term);
  }

  @Override
  public void onLeaderStop(long term) {
    // It never led.
  }

  @Override
  public void onFollowing(int leaderId, long term) {
    // The watch stream does not say.
  }

  @Override
  public void onRecovered(List<PartitionId> partitions) {
    // The state machine has logged it.
  }
}
