package io.kontiki.raft.jraft;

import com.alipay.sofa.jraft.rpc.Connection;
import com.alipay.sofa.jraft.rpc.ProtobufMsgFactory;
import com.alipay.sofa.jraft.rpc.RpcContext;
import com.alipay.sofa.jraft.rpc.RpcProcessor;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteResponse;
import com.alipay.sofa.jraft.rpc.impl.PingRequestProcessor;
import com.alipay.sofa.jraft.rpc.impl.core.GetFileRequestProcessor;
import com.alipay.sofa.jraft.rpc.impl.core.InstallSnapshotRequestProcessor;
import com.alipay.sofa.jraft.rpc.impl.core.ReadIndexRequestProcessor;
import com.alipay.sofa.jraft.rpc.impl.core.RequestVoteRequestProcessor;
import com.alipay.sofa.jraft.rpc.impl.core.TimeoutNowRequestProcessor;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.protobuf.Message;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The receiving half of JRaft's RPC, for all groups of the process.
 *
 * <p>Only the consensus calls are served. JRaft's remote CLI calls, which have no authentication,
 * are not. Entries of one stream reach JRaft in the order of their arrival.
 */
final class RaftRpcService {
  private final RaftMessages messages;
  private final Map<String, RpcProcessor<Object>> processorsByName = new ConcurrentHashMap<>();
  private final Map<String, RequestObserver> observers = new ConcurrentHashMap<>();
  private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
  private final RaftThreads threads;
  private final IntConsumer onLeaderStreamEnd;
  private volatile boolean closed;

  static {
    ProtobufMsgFactory.load(); // JRaft registers its messages with our factory
  }

  /** What one group wants to know of the requests that its node gets. */
  interface RequestObserver {
    /** The node has answered a request for its vote (not a pre-vote). */
    void onVote(long term, boolean granted);

    /** The leader sends a snapshot; {@link #onSnapshotEnd} follows. */
    void onSnapshotBegin();

    /** It is installed, or given up. */
    void onSnapshotEnd();
  }

  /**
   * @param onLeaderStreamEnd told when a stream ends on which this node id sent entries or
   *     heartbeats as a leader
   */
  RaftRpcService(RaftThreads threads, IntConsumer onLeaderStreamEnd) {
    this.threads = threads;
    this.onLeaderStreamEnd = onLeaderStreamEnd;
    this.messages = GrpcRaftRpcFactory.instance().messages();
    register(new AppendProcessor(threads.appends()));
    register(new RequestVoteRequestProcessor(threads.requests()));
    register(new TimeoutNowRequestProcessor(threads.requests()));
    register(new ReadIndexRequestProcessor(threads.requests()));
    register(new InstallSnapshotRequestProcessor(threads.requests()));
    register(new GetFileRequestProcessor(threads.requests()));
    register(new PingRequestProcessor(threads.requests()));
  }

  ServerServiceDefinition definition() {
    return ServerServiceDefinition.builder(RaftFrame.SERVICE)
        .addMethod(
            RaftFrame.sessionMethod(messages),
            ServerCalls.asyncBidiStreamingCall(
                out -> new Session((ServerCallStreamObserver<RaftFrame>) out)))
        .build();
  }

  void observe(String group, RequestObserver observer) {
    observers.put(group, observer);
  }

  void forget(String group) {
    observers.remove(group);
  }

  /** Ends all streams of peers, and those that they open from now on. */
  void close() {
    closed = true;
    sessions.forEach(Session::end);
  }

  @SuppressWarnings("unchecked")
  private void register(RpcProcessor<?> processor) {
    String name = Objects.requireNonNull(messages.nameOfClass(processor.interest()));
    processorsByName.put(name, (RpcProcessor<Object>) processor);
  }

  /** One stream of one peer. */
  private final class Session implements StreamObserver<RaftFrame> {
    private final ServerCallStreamObserver<RaftFrame> out;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final Executor inOrder = MoreExecutors.newSequentialExecutor(threads.appends());
    private volatile int leaderId = RaftPeers.NO_NODE;

    Session(ServerCallStreamObserver<RaftFrame> out) {
      this.out = out;
      out.setOnCancelHandler(this::ended);
      sessions.add(this);
    }

    synchronized void end() {
      if (!ended.get()) {
        ended();
        try {
          out.onError(Status.UNAVAILABLE.withDescription("Raft stops here").asRuntimeException());
        } catch (RuntimeException e) {
          // cancelled meanwhile
        }
      }
    }

    @Override
    public void onNext(RaftFrame request) {
      if (closed) {
        end();
        return;
      }
      Message message = request.message();
      String name = message == null ? "" : RaftMessages.name(message);
      RpcProcessor<Object> processor = processorsByName.get(name);
      if (message == null || processor == null) {
        send(RaftFrame.error(request.id(), "raft message '" + name + "' is not served here"));
        return;
      }
      Reply reply = new Reply(request.id(), message);
      Executor executor = threads.requests();
      if (message instanceof AppendEntriesRequest append) {
        if (leaderId == RaftPeers.NO_NODE) {
          leaderId = RaftPeers.nodeId(append.getServerId());
        }
        executor = inOrder;
      }
      try {
        executor.execute(() -> reply.handle(processor));
      } catch (RejectedExecutionException e) {
        send(RaftFrame.error(request.id(), "busy"));
      }
    }

    private synchronized void send(RaftFrame frame) {
      if (ended.get()) {
        return;
      }
      try {
        out.onNext(frame);
      } catch (RuntimeException e) {
        ended(); // the stream is gone; the peer times out or reconnects
      }
    }

    private void ended() {
      if (ended.compareAndSet(false, true)) {
        sessions.remove(this);
        if (leaderId != RaftPeers.NO_NODE) {
          onLeaderStreamEnd.accept(leaderId);
        }
      }
    }

    @Override
    public void onError(Throwable cause) {
      ended();
    }

    @Override
    public synchronized void onCompleted() {
      if (!ended.get()) {
        ended();
        try {
          out.onCompleted();
        } catch (RuntimeException e) {
          // cancelled meanwhile
        }
      }
    }

    /** Carries the answer of one request, and tells the group's observer. */
    private final class Reply implements RpcContext {
      private final long id;
      private final Message request;
      private final AtomicBoolean told = new AtomicBoolean();

      Reply(long id, Message request) {
        this.id = id;
        this.request = request;
      }

      void handle(RpcProcessor<Object> processor) {
        if (request instanceof InstallSnapshotRequest install) {
          RequestObserver observer = observers.get(install.getGroupId());
          if (observer != null) {
            observer.onSnapshotBegin();
          }
        }
        processor.handleRequest(this, request);
      }

      @Override
      public void sendResponse(Object response) {
        tell(response);
        send(RaftFrame.response(id, (Message) response));
      }

      private void tell(Object response) {
        if (request instanceof RequestVoteRequest vote
            && !vote.getPreVote()
            && response instanceof RequestVoteResponse answer) {
          RequestObserver observer = observers.get(vote.getGroupId());
          if (observer != null) {
            observer.onVote(answer.getTerm(), answer.getGranted());
          }
        } else if (request instanceof InstallSnapshotRequest install
            && told.compareAndSet(false, true)) {
          RequestObserver observer = observers.get(install.getGroupId());
          if (observer != null) {
            observer.onSnapshotEnd();
          }
        }
      }

      @Override
      public @Nullable Connection getConnection() {
        return null; // only JRaft's own AppendEntries processor asks for it
      }

      @Override
      public String getRemoteAddress() {
        return "peer";
      }
    }
  }
}
