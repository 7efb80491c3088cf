package io.kontiki.broker.quorum;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.kontiki.internal.v1.ClusterServiceGrpc;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.metadata.VoterImage;
import io.kontiki.model.Endpoint;
import io.kontiki.model.Uid;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps apart, between Raft ports, nodes of two clusters that reach each other through a mistaken
 * address, and voters from a disk of theirs that was replaced (M16): what goes between Raft ports
 * carries who sends it, both ways, and which disk it is meant for, and is refused by a node that
 * knows better. Two Raft logs that were not written by one quorum can agree in term and index and
 * differ in what they say. Free of it is what tells who is there: hello, and the watch, which
 * compares clusters itself. Thread-safe.
 */
public final class ClusterGuard implements ServerInterceptor {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterGuard.class);
  private static final Metadata.Key<String> CLUSTER =
      Metadata.Key.of("kontiki-cluster", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> NODE =
      Metadata.Key.of("kontiki-node", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> ADDRESSEE =
      Metadata.Key.of("kontiki-addressee", Metadata.ASCII_STRING_MARSHALLER);
  private static final Set<String> FREE =
      Set.of(
          ClusterServiceGrpc.getHelloMethod().getFullMethodName(),
          ClusterServiceGrpc.getWatchMetadataMethod().getFullMethodName());

  private volatile Uid own = Uid.NONE;
  private volatile ClusterImage image = ClusterImage.EMPTY;
  private volatile @Nullable Sender self;

  /**
   * A node as it presents itself: {@code NODE DIRECTORY ADMITTED} in a header.
   *
   * @param admittedIndex a metadata index at which its directory was on record after it had been
   *     taken in: an older image knows nothing of that. 0: it was there from the beginning
   */
  private record Sender(int nodeId, Uid directoryId, long admittedIndex) {
    String text() {
      return nodeId + " " + directoryId + " " + admittedIndex;
    }

    /** Null: there is none that could be read. */
    static @Nullable Sender parse(@Nullable String text) {
      String[] words = text == null ? new String[0] : text.split(" ", -1);
      try {
        return words.length == 3
            ? new Sender(Integer.parseInt(words[0]), Uid.parse(words[1]), Long.parseLong(words[2]))
            : null;
      } catch (IllegalArgumentException e) {
        return null;
      }
    }
  }

  /**
   * Whom a caller means: {@code DIRECTORY INDEX} in a header. A node of no cluster yet can tell by
   * nothing else that a voter of another cluster takes it for one that had its address before: it
   * would follow that voter's Raft and never form its own.
   *
   * @param index of the metadata in which the directory is on record
   */
  private record Addressee(Uid directoryId, long index) {
    String text() {
      return directoryId + " " + index;
    }

    /** Null: there is none that could be read. */
    static @Nullable Addressee parse(@Nullable String text) {
      String[] words = text == null ? new String[0] : text.split(" ", -1);
      try {
        return words.length == 2
            ? new Addressee(Uid.parse(words[0]), Long.parseLong(words[1]))
            : null;
      } catch (IllegalArgumentException e) {
        return null;
      }
    }
  }

  /** Who this node is. */
  public void be(int nodeId, Uid directoryId) {
    self = new Sender(nodeId, directoryId, 0);
  }

  /** At which metadata index this node's directory was on record after it had been taken in. */
  public void admittedAt(long index) {
    Sender before = self;
    if (before != null) {
      self = new Sender(before.nodeId(), before.directoryId(), index);
    }
  }

  /** From now on this node is one of the cluster; {@link Uid#NONE}: of none yet. */
  public void know(Uid clusterId) {
    own = clusterId;
  }

  /** The same, with what the cluster says of its voters. */
  public void know(ClusterImage newest) {
    own = newest.clusterId();
    image = newest;
  }

  /** Why nothing of the sender counts; null: it does. */
  private @Nullable String objection(@Nullable String cluster, @Nullable Sender sender) {
    Uid known = own;
    if (cluster != null && !known.equals(Uid.NONE) && !known.toString().equals(cluster)) {
      return "this node belongs to cluster " + known + ", not to " + cluster;
    }
    ClusterImage newest = image;
    VoterImage voter = sender == null ? null : newest.voters().get(sender.nodeId());
    if (sender == null
        || voter == null
        || voter.directoryId() == null
        || voter.directoryId().equals(sender.directoryId())
        || newest.index() < sender.admittedIndex()) {
      return null;
    }
    return "voter "
        + sender.nodeId()
        + " has data directory "
        + voter.directoryId()
        + " since metadata index "
        + newest.index()
        + " or before, not "
        + sender.directoryId()
        + " (M16)";
  }

  /** The same of a call, which also says whom it means. */
  private @Nullable String objection(
      @Nullable String cluster, @Nullable Sender sender, @Nullable Addressee addressee) {
    String why = objection(cluster, sender);
    return why == null ? mistaken(addressee) : why;
  }

  /** Why this node is not whom the caller means; null: it may be. */
  private @Nullable String mistaken(@Nullable Addressee addressee) {
    Sender me = self;
    return me == null
            || addressee == null
            || addressee.directoryId().equals(me.directoryId())
            || addressee.index() < me.admittedIndex()
        ? null
        : "here is data directory "
            + me.directoryId()
            + " of node "
            + me.nodeId()
            + ", not "
            + addressee.directoryId()
            + ", which the caller has on record at metadata index "
            + addressee.index()
            + " (M16)";
  }

  /** The disk on record at this address; null: none is. */
  private @Nullable Addressee addressee(Endpoint raft) {
    ClusterImage newest = image;
    for (VoterImage voter : newest.voters().values()) {
      if (voter.raft().equals(raft) && voter.directoryId() != null) {
        return new Addressee(voter.directoryId(), newest.index());
      }
    }
    return null;
  }

  private void present(Metadata headers) {
    Uid known = own;
    if (!known.equals(Uid.NONE)) {
      headers.put(CLUSTER, known.toString());
    }
    Sender me = self;
    if (me != null) {
      headers.put(NODE, me.text());
    }
  }

  private static boolean free(MethodDescriptor<?, ?> method) {
    return FREE.contains(method.getFullMethodName());
  }

  /** What calls to this address go through. */
  public ClientInterceptor to(Endpoint raft) {
    return new ClientInterceptor() {
      @Override
      public <Q, A> ClientCall<Q, A> interceptCall(
          MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        ClientCall<Q, A> call = next.newCall(method, options);
        return new SimpleForwardingClientCall<>(call) {
          @Override
          public void start(Listener<A> listener, Metadata headers) {
            present(headers);
            Addressee addressee = addressee(raft);
            if (addressee != null) {
              headers.put(ADDRESSEE, addressee.text());
            }
            super.start(free(method) ? listener : new Checked<>(listener, call), headers);
          }
        };
      }
    };
  }

  /** Takes no answer of a node that does not count. */
  private final class Checked<A> extends SimpleForwardingClientCallListener<A> {
    private final ClientCall<?, A> call;
    private @Nullable String cluster;
    private @Nullable Sender sender;
    private boolean refused;

    Checked(ClientCall.Listener<A> listener, ClientCall<?, A> call) {
      super(listener);
      this.call = call;
    }

    @Override
    public void onHeaders(Metadata headers) {
      cluster = headers.get(CLUSTER);
      sender = Sender.parse(headers.get(NODE));
      super.onHeaders(headers);
    }

    @Override
    public void onMessage(A message) {
      String why = refused ? null : objection(cluster, sender);
      if (why != null) {
        refused = true;
        LOG.debug("an answer was refused: {}", why);
        call.cancel(why, null);
      }
      if (!refused) {
        super.onMessage(message);
      }
    }
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    ServerCall<Q, A> presented =
        new SimpleForwardingServerCall<>(call) {
          @Override
          public void sendHeaders(Metadata answer) {
            present(answer);
            super.sendHeaders(answer);
          }
        };
    if (free(call.getMethodDescriptor())) {
      return next.startCall(presented, headers);
    }
    String cluster = headers.get(CLUSTER);
    Sender sender = Sender.parse(headers.get(NODE));
    Addressee addressee = Addressee.parse(headers.get(ADDRESSEE));
    return new SimpleForwardingServerCallListener<>(next.startCall(presented, headers)) {
      private boolean refused;

      @Override
      public void onMessage(Q message) {
        // With each message: a stream can be older than this node's own cluster, or its image.
        String why = refused ? null : objection(cluster, sender, addressee);
        if (why != null) {
          refused = true;
          LOG.debug("a call of {} was refused: {}", call.getAttributes(), why);
          call.close(Status.FAILED_PRECONDITION.withDescription(why), new Metadata());
          onCancel();
        }
        if (!refused) {
          super.onMessage(message);
        }
      }

      @Override
      public void onHalfClose() {
        if (!refused) {
          super.onHalfClose();
        }
      }
    };
  }
}
