package io.kontiki.broker.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.kontiki.broker.api.ClusterWatch;
import io.kontiki.v1.TopicDescription;
import io.kontiki.v1.WatchClusterResponse;

/** Sends what a watch tells. */
final class WatchSink implements ClusterWatch.Sink {
  private final ServerCallStreamObserver<WatchClusterResponse> answers;

  WatchSink(ServerCallStreamObserver<WatchClusterResponse> answers) {
    this.answers = answers;
  }

  @Override
  public boolean ready() {
    return answers.isReady() && !answers.isCancelled();
  }

  @Override
  public void piece(ClusterWatch.Piece piece) {
    WatchClusterResponse.Builder message =
        WatchClusterResponse.newBuilder()
            .setMetadataIndex(piece.image().index())
            .setSnapshot(piece.first())
            .setComplete(piece.complete())
            .addAllRemovedBrokerIds(piece.removedBrokers());
    if (piece.first() && piece.image().formed()) {
      message.setClusterId(piece.image().clusterId().toString());
    }
    piece
        .brokers()
        .forEach(
            broker ->
                message.addBrokers(
                    AdminMessages.broker(broker, piece.image().voters().containsKey(broker.id()))));
    for (ClusterWatch.TopicChange change : piece.topics()) {
      TopicDescription.Builder topic = AdminMessages.topicWithoutPartitions(change.topic());
      change
          .partitions()
          .forEach(
              (number, partition) ->
                  topic.addPartitions(AdminMessages.partition(number, partition, null)));
      message.addTopics(topic);
    }
    piece.removedTopics().forEach(id -> message.addRemovedTopicIds(id.toString()));
    answers.onNext(message.build());
  }

  @Override
  public void heartbeat(long index) {
    answers.onNext(WatchClusterResponse.newBuilder().setMetadataIndex(index).build());
  }
}
