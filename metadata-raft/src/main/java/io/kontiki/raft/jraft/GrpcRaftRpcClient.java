package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.error.RemotingException;
import com.alipay.sofa.jraft.option.RpcOptions;
import com.alipay.sofa.jraft.rpc.InvokeCallback;
import com.alipay.sofa.jraft.rpc.InvokeContext;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.PingRequest;
import com.alipay.sofa.jraft.util.Endpoint;
import com.google.protobuf.Message;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The sending half of JRaft's RPC for one group; the connections are the process's.
 *
 * <p>Never waits: JRaft asks for connections under its node lock, peer after peer, in each vote, so
 * a wait for a dead peer would lengthen every election.
 */
final class GrpcRaftRpcClient implements RpcClient {
  private final List<ReplicatorGroup> groups = new CopyOnWriteArrayList<>();
  private @Nullable RaftChannels channels;
  private @Nullable FollowerProgress progress;

  void use(RaftChannels shared, FollowerProgress ofGroup) {
    this.channels = shared;
    this.progress = ofGroup;
  }

  @Override
  public boolean init(RpcOptions options) {
    return channels != null;
  }

  @Override
  public void shutdown() {
    channels().forget(groups);
  }

  @Override
  public boolean checkConnection(Endpoint endpoint) {
    RaftPeer peer = peer(endpoint);
    return peer != null && peer.usable();
  }

  @Override
  public boolean checkConnection(Endpoint endpoint, boolean createIfAbsent) {
    return checkConnection(endpoint);
  }

  @Override
  public void closeConnection(Endpoint endpoint) {
    // shared with other groups
  }

  @Override
  public void registerConnectEventListener(ReplicatorGroup group) {
    groups.add(group);
  }

  /** JRaft's one synchronous call is a ping to see whether a peer is connected. */
  @Override
  public Object invokeSync(Endpoint endpoint, Object request, InvokeContext context, long timeoutMs)
      throws RemotingException {
    if (!(request instanceof PingRequest) || !checkConnection(endpoint)) {
      throw new RemotingException(endpoint + " is not connected");
    }
    return ErrorResponse.newBuilder().setErrorCode(0).build();
  }

  @Override
  public void invokeAsync(
      Endpoint endpoint,
      Object request,
      InvokeContext context,
      InvokeCallback callback,
      long timeoutMs)
      throws RemotingException {
    RaftPeer peer = peer(endpoint);
    if (peer == null || !peer.usable()) {
      throw new RemotingException((peer == null ? endpoint : peer) + " is not connected");
    }
    InvokeCallback observed =
        request instanceof AppendEntriesRequest append
            ? observe(RaftPeers.nodeId(endpoint), append, callback)
            : callback;
    peer.call(isBulk(request), (Message) request, observed, timeoutMs);
  }

  private InvokeCallback observe(int nodeId, AppendEntriesRequest request, InvokeCallback inner) {
    FollowerProgress known = Objects.requireNonNull(progress, "used before use()");
    return new InvokeCallback() {
      @Override
      public void complete(Object result, Throwable cause) {
        known.onAnswer(nodeId, request, result);
        inner.complete(result, cause);
      }

      @Override
      public Executor executor() {
        return inner.executor();
      }
    };
  }

  private @Nullable RaftPeer peer(Endpoint endpoint) {
    RaftPeer peer = channels().peer(RaftPeers.nodeId(endpoint));
    if (peer != null) {
      peer.addGroups(groups);
    }
    return peer;
  }

  private RaftChannels channels() {
    return Objects.requireNonNull(channels, "used before use()");
  }

  private static boolean isBulk(Object request) {
    if (request instanceof AppendEntriesRequest append) {
      return append.getEntriesCount() > 0 || append.hasData(); // else a heartbeat
    }
    return request instanceof GetFileRequest || request instanceof InstallSnapshotRequest;
  }
}
