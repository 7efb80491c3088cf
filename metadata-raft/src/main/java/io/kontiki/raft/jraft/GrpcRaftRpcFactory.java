package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.option.RpcOptions;
import com.alipay.sofa.jraft.rpc.RaftRpcFactory;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.rpc.RpcServer;
import com.alipay.sofa.jraft.util.Endpoint;
import com.alipay.sofa.jraft.util.RpcFactoryHelper;
import com.alipay.sofa.jraft.util.SPI;
import com.google.protobuf.Message;

/**
 * JRaft's RPC on grpc-java. JRaft finds this class through {@code META-INF/services}; the priority
 * puts it before the Bolt factory that jraft-core names there and whose classes are not on our
 * class path. What differs from node to node reaches the client through {@link GrpcNodeOptions}, so
 * that nothing here is static.
 */
@SPI(priority = 100)
public final class GrpcRaftRpcFactory implements RaftRpcFactory {
  private final RaftMessages messages = new RaftMessages();

  /** The one instance that JRaft made. */
  static GrpcRaftRpcFactory instance() {
    return (GrpcRaftRpcFactory) RpcFactoryHelper.rpcFactory();
  }

  RaftMessages messages() {
    return messages;
  }

  @Override
  public void registerProtobufSerializer(String className, Object... args) {
    messages.register(className, (Message) args[0]);
  }

  @Override
  public ConfigHelper<RpcClient> defaultJRaftClientConfigHelper(RpcOptions options) {
    if (options instanceof GrpcNodeOptions ours) {
      return client -> ((GrpcRaftRpcClient) client).use(ours.channels(), ours.progress());
    }
    throw new IllegalArgumentException("start raft nodes with GrpcNodeOptions, not " + options);
  }

  @Override
  public RpcClient createRpcClient(ConfigHelper<RpcClient> helper) {
    GrpcRaftRpcClient client = new GrpcRaftRpcClient();
    if (helper != null) {
      helper.config(client);
    }
    return client;
  }

  @Override
  public RpcServer createRpcServer(Endpoint endpoint, ConfigHelper<RpcServer> helper) {
    throw new IllegalStateException(
        "no server of its own at " + endpoint + ": add JRaftTransport.service() to the broker's");
  }
}
