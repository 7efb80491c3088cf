package io.kontiki.raft.jraft;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall;
import io.grpc.ForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.util.MutableHandlerRegistry;
import io.kontiki.model.Endpoint;
import io.kontiki.raft.RaftGroup;
import io.kontiki.raft.RaftGroup.Proposal;
import io.kontiki.raft.RecordingMachine;
import io.kontiki.runtime.system.DiskFileStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;

/** Nodes of one group in this process, on loopback ports that the system chose. */
final class RaftCluster implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 15;

  final List<String> faults = new CopyOnWriteArrayList<>();
  private final String group;
  private final Path directory;
  private final UnaryOperator<JRaftOptions> settings;
  private final Map<Integer, Endpoint> voters = new TreeMap<>();
  private final Map<Integer, Member> members = new TreeMap<>();

  /** Nodes whose messages get lost in both directions. */
  private final Set<Integer> cut = ConcurrentHashMap.newKeySet();

  /** A node that is up or down; its port and its directory stay. */
  private static final class Member {
    final MutableHandlerRegistry services = new MutableHandlerRegistry();
    Server server;
    ServerServiceDefinition service;
    JRaftTransport transport;
    JRaftGroup group;
    RecordingMachine machine;
  }

  RaftCluster(String group, int nodes, Path directory, UnaryOperator<JRaftOptions> settings)
      throws IOException {
    this.group = group;
    this.directory = directory;
    this.settings = settings;
    for (int id = 1; id <= nodes; id++) {
      Member member = new Member();
      members.put(id, member);
      listen(member);
      voters.put(id, new Endpoint("localhost", member.server.getPort()));
    }
  }

  private static void listen(Member member) throws IOException {
    member.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .directExecutor()
            .maxInboundMessageSize(JRaftTransport.MAX_MESSAGE_BYTES)
            .fallbackHandlerRegistry(member.services)
            .build()
            .start();
  }

  void startAll() {
    for (int id : voters.keySet()) {
      start(id);
    }
  }

  void start(int id) {
    start(id, false);
  }

  /**
   * @param joining with no configuration of its own
   */
  void start(int id, boolean joining) {
    Member member = members.get(id);
    member.transport = new JRaftTransport(id, to -> dial(id, to), 1500);
    member.service = member.transport.service();
    member.services.addService(member.service);
    member.machine = new RecordingMachine();
    Path home = directory.resolve("node-" + id);
    member.group =
        JRaftGroup.start(
            settings.apply(JRaftOptions.of(group, id, voters).withJoining(joining)),
            member.transport,
            new DiskFileStore(home.resolve("raft")),
            home.resolve("snapshots"),
            member.machine,
            (what, cause) -> faults.add("node " + id + ": " + what));
  }

  /** Another group on the same nodes; the caller closes it. */
  JRaftGroup startSecond(int id, String name) {
    return JRaftGroup.start(
        settings.apply(JRaftOptions.of(name, id, voters)),
        members.get(id).transport,
        new DiskFileStore(home(id).resolve(name)),
        home(id).resolve(name + "-snapshots"),
        new RecordingMachine(),
        (what, cause) -> faults.add("node " + id + ": " + what));
  }

  Path home(int id) {
    return directory.resolve("node-" + id);
  }

  /** An orderly stop. The port stays open: the system might give it to somebody else. */
  void stop(int id) {
    Member member = members.get(id);
    if (member.group != null) {
      member.group.close();
    }
    member.transport.close();
    member.services.removeService(member.service);
  }

  /** What peers see when a process is killed: streams end, dials are refused, no word before. */
  void kill(int id) {
    Member member = members.get(id);
    cut.add(id);
    member.server.shutdownNow();
    member.transport.close();
    awaitServer(member);
    member.group.close();
    cut.remove(id);
  }

  private static void awaitServer(Member member) {
    try {
      member.server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void cut(int id) {
    cut.add(id);
  }

  void heal(int id) {
    cut.remove(id);
  }

  JRaftGroup group(int id) {
    return members.get(id).group;
  }

  RecordingMachine machine(int id) {
    return members.get(id).machine;
  }

  /** Waits until a node leads, and has said so to its state machine, that is not this one. */
  int awaitLeaderOtherThan(int id) {
    int[] found = {RaftGroup.NO_NODE};
    Awaitility.await()
        .pollInterval(5, TimeUnit.MILLISECONDS)
        .atMost(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .until(
            () -> {
              for (Map.Entry<Integer, Member> one : members.entrySet()) {
                JRaftGroup candidate = one.getValue().group;
                if (candidate != null
                    && one.getKey() != id
                    && candidate.status().leading()
                    && confirm(one.getKey()) >= 0) {
                  found[0] = one.getKey();
                }
              }
              return found[0] != RaftGroup.NO_NODE;
            });
    return found[0];
  }

  int awaitLeader() {
    return awaitLeaderOtherThan(RaftGroup.NO_NODE);
  }

  void awaitCommands(int id, List<String> expected) {
    Awaitility.await()
        .pollInterval(5, TimeUnit.MILLISECONDS)
        .atMost(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .until(() -> machine(id).commands().equals(expected));
  }

  Proposal propose(int id, String text, long term) {
    CompletableFuture<Proposal> answer = new CompletableFuture<>();
    group(id).propose(RecordingMachine.command(text), term, answer::complete);
    return get(answer);
  }

  /** All must be applied. */
  List<String> proposeAll(int id, int from, int count) {
    List<String> texts = new ArrayList<>();
    List<CompletableFuture<Proposal>> answers = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      CompletableFuture<Proposal> answer = new CompletableFuture<>();
      answers.add(answer);
      texts.add("command " + i);
      group(id).propose(RecordingMachine.command("command " + i), -1, answer::complete);
    }
    for (CompletableFuture<Proposal> answer : answers) {
      if (!(get(answer) instanceof Proposal.Applied)) {
        throw new AssertionError("not applied: " + get(answer));
      }
    }
    return texts;
  }

  RaftGroup.ChangeEnd remove(int leader, int id) {
    CompletableFuture<RaftGroup.ChangeEnd> answer = new CompletableFuture<>();
    group(leader).removeVoter(id, answer::complete);
    return get(answer);
  }

  RaftGroup.ChangeEnd add(int leader, int id) {
    CompletableFuture<RaftGroup.ChangeEnd> answer = new CompletableFuture<>();
    group(leader).addVoter(id, voters.get(id), answer::complete);
    return get(answer);
  }

  /** The configuration as a node knows it. */
  List<Integer> configuration(int id) {
    return group(id).status().voters().stream().map(RaftGroup.Member::nodeId).toList();
  }

  long confirm(int id) {
    CompletableFuture<Long> answer = new CompletableFuture<>();
    group(id).confirmLeadership(answer::complete);
    return get(answer);
  }

  long readIndex(int id) {
    CompletableFuture<Long> answer = new CompletableFuture<>();
    group(id).readIndex(answer::complete);
    return get(answer);
  }

  static <T> T get(CompletableFuture<T> answer) {
    try {
      return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException | java.util.concurrent.ExecutionException e) {
      throw new AssertionError(e);
    } catch (TimeoutException e) {
      throw new AssertionError("no answer", e);
    }
  }

  @Override
  public void close() {
    cut.clear();
    for (int id : members.keySet()) {
      Member member = members.get(id);
      if (member.transport != null && !member.server.isShutdown()) {
        stop(id);
      }
      member.server.shutdownNow();
      awaitServer(member);
    }
  }

  private ManagedChannel dial(int from, Endpoint to) {
    int target =
        voters.entrySet().stream()
            .filter(one -> one.getValue().equals(to))
            .mapToInt(Map.Entry::getKey)
            .findFirst()
            .orElseThrow();
    return NettyChannelBuilder.forAddress(to.host(), to.port())
        .usePlaintext()
        .directExecutor()
        .maxInboundMessageSize(JRaftTransport.MAX_MESSAGE_BYTES)
        .intercept(new Cut(from, target))
        .build();
  }

  /** Loses messages without closing anything. */
  private final class Cut implements ClientInterceptor {
    private final int from;
    private final int to;

    Cut(int from, int to) {
      this.from = from;
      this.to = to;
    }

    private boolean lost() {
      return cut.contains(from) || cut.contains(to);
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
        MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void sendMessage(Q message) {
          if (!lost()) {
            super.sendMessage(message);
          }
        }

        @Override
        public void start(Listener<R> listener, Metadata headers) {
          super.start(
              new ForwardingClientCallListener.SimpleForwardingClientCallListener<>(listener) {
                @Override
                public void onMessage(R message) {
                  if (!lost()) {
                    super.onMessage(message);
                  }
                }
              },
              headers);
        }
      };
    }
  }
}
