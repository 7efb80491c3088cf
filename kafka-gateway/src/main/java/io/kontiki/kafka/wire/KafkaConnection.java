package io.kontiki.kafka.wire;

import io.kontiki.broker.metrics.BrokerMetrics;
import io.kontiki.broker.rpc.Budget;
import io.kontiki.runtime.EventLoop;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.FileRegion;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: bytes become frames, frames requests, answers go out in the order of the
 * requests. Nothing more is read while too much is unanswered, or while the client does not take
 * what it asked for. Whoever sends what is no request is closed, with a line in the log. All on the
 * connection's loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails closes the connection
public final class KafkaConnection extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(KafkaConnection.class);
  private static final long MEMORY_PAUSE_NANOS = 20_000_000;
  private static final long CHECK_NANOS = 1_000_000_000;
  private static final long MILLI = 1_000_000;

  private final Shared shared;
  private final EventLoop loop;
  private final Channel channel;
  private final String who;
  private final String host;
  private final Call.State state = new Call.State();

  private final FrameBuffer frame;
  private final ArrayDeque<ByteBuf> unread = new ArrayDeque<>();
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();

  /** Whole, and not begun yet because those before it are not answered. */
  private @Nullable Request waiting;

  private long inFlightBytes;
  private boolean working;
  private boolean noMemory;
  private boolean closing;
  private boolean talked;
  private long lastRequestNanos;
  private long frameSinceNanos;
  private long untakenBytes;
  private long untakenSinceNanos;

  /** Ranges of files that the socket has not taken; they do not count as buffered with it. */
  private final ArrayDeque<FileRegion> regions = new ArrayDeque<>();

  private long regionBytes;

  /** What all connections of a door share. */
  public record Shared(
      ApiTable table,
      ConnectionLimits limits,
      Budget budget,
      BrokerMetrics metrics,
      Complaints complaints) {}

  /** A request as it was received. */
  private record Request(
      ApiTable.Served served,
      short version,
      int correlationId,
      String clientId,
      ApiMessage body,
      int size) {}

  /** An answer's place in the order. */
  private static final class Pending {
    final Request request;
    final long startedNanos;
    @Nullable Frame out;
    Runnable gone = () -> {};
    @Nullable String close;
    boolean done;

    Pending(Request request, long startedNanos) {
      this.request = request;
      this.startedNanos = startedNanos;
    }
  }

  /**
   * @param loop that the channel is registered with
   */
  public KafkaConnection(Shared shared, EventLoop loop, Channel channel) {
    this.shared = shared;
    this.loop = loop;
    this.channel = channel;
    this.frame = new FrameBuffer(shared.limits().frameBytes(), shared.budget());
    SocketAddress remote = channel.remoteAddress();
    this.who = String.valueOf(remote);
    this.host =
        remote instanceof InetSocketAddress address && address.getAddress() != null
            ? address.getAddress().getHostAddress()
            : who;
    this.lastRequestNanos = loop.clock().nanoTime();
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    loop.schedule(CHECK_NANOS, this::check);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    if (closing || !bytes.isReadable()) {
      bytes.release();
      return;
    }
    unread.add(bytes);
    work();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    work();
  }

  /** Reads what can be read, and begins what can be begun. */
  private void work() {
    if (working) {
      return; // an answer that came at once: the loop below goes on
    }
    working = true;
    try {
      while (!closing && step()) {}
    } finally {
      working = false;
    }
    if (!closing) {
      channel.config().setAutoRead(unread.isEmpty() && !full());
    }
  }

  private boolean full() {
    return noMemory
        || waiting != null
        || pending.size() >= shared.limits().requests()
        || inFlightBytes >= shared.limits().inFlightBytes()
        || regionBytes >= shared.limits().inFlightBytes()
        || !channel.isWritable();
  }

  private boolean step() {
    Request next = waiting;
    if (next != null && mayBegin(next)) {
      waiting = null;
      begin(next);
      return true;
    }
    if (unread.isEmpty() || full()) {
      return false;
    }
    ByteBuf bytes = unread.element();
    if (!frame.begun()) {
      frameSinceNanos = loop.clock().nanoTime();
    }
    FrameBuffer.Progress progress = frame.fill(bytes);
    if (!bytes.isReadable()) {
      unread.remove().release();
    }
    switch (progress) {
      case MORE -> {}
      case WHOLE -> onFrame(frame.take());
      case BAD_LENGTH ->
          complain(
              "a request of "
                  + frame.length()
                  + " bytes; at most "
                  + shared.limits().frameBytes()
                  + " (connection.inflight.bytes) are taken");
      case NO_MEMORY -> {
        noMemory = true;
        loop.schedule(
            MEMORY_PAUSE_NANOS,
            () -> {
              noMemory = false;
              work();
            });
        return false;
      }
    }
    return true;
  }

  private void onFrame(ByteBuffer bytes) {
    int size = bytes.remaining();
    talked = true;
    lastRequestNanos = loop.clock().nanoTime();
    Request request;
    try {
      request = request(bytes, size);
    } catch (RuntimeException e) { // whatever the bytes are, nothing else may come out
      shared.budget().giveBack(size);
      complain("no request in a frame of " + size + " bytes: " + e);
      return;
    }
    if (request == null) {
      shared.budget().giveBack(size);
      return;
    }
    inFlightBytes += size;
    if (mayBegin(request)) {
      begin(request);
    } else {
      waiting = request;
    }
  }

  private @Nullable Request request(ByteBuffer bytes, int size) {
    short key = bytes.getShort(bytes.position());
    short version = bytes.getShort(bytes.position() + Short.BYTES);
    ApiTable.Served served = shared.table().find(key);
    if (served == null) {
      complain(
          "API key "
              + key
              + (ApiKeys.hasId(key) ? " (" + ApiKeys.forId(key).name + ")" : "")
              + " is not served");
      return null;
    }
    if (!served.speaks(version) && served.api() != ApiKeys.API_VERSIONS) {
      complain(
          served.api().name
              + " version "
              + version
              + " is not served; "
              + served.oldest()
              + " to "
              + served.newest()
              + " are");
      return null;
    }
    BoundedReadable readable = new BoundedReadable(bytes);
    if (!served.speaks(version)) {
      // Whatever the rest may be: the client learns from the answer which versions there are.
      int correlationId = bytes.getInt(bytes.position() + 2 * Short.BYTES);
      return new Request(served, version, correlationId, "", new ApiVersionsRequestData(), size);
    }
    RequestHeaderData header = new RequestHeaderData();
    header.read(readable, served.api().requestHeaderVersion(version));
    ApiMessage body = served.api().messageType.newRequest();
    body.read(readable, version);
    if (readable.unreadBytes() > 0) {
      throw new InvalidRequestException(readable.unreadBytes() + " bytes behind the request");
    }
    String clientId = header.clientId() == null ? "" : header.clientId();
    return new Request(served, version, header.correlationId(), clientId, body, size);
  }

  /** One after the other; but of those that may be under way together several are. */
  private boolean mayBegin(Request request) {
    Pending before = pending.peekLast();
    return before == null || (before.request.served.pipelined() && request.served.pipelined());
  }

  private void begin(Request request) {
    Pending place = new Pending(request, loop.clock().nanoTime());
    pending.add(place);
    Call call = new Call(loop, request.version, request.clientId, host, plain(), state);
    try {
      request.served.handler().serve(call, request.body, new Place(place));
    } catch (RuntimeException e) {
      LOG.error("{} of {} failed", request.served.api().name, who, e);
      if (!place.done) {
        new Place(place).close(request.served.api().name + " failed: " + e);
      }
    }
  }

  private boolean plain() {
    return channel.pipeline().get(SslHandler.class) == null;
  }

  /** The way back of one request. */
  private final class Place implements Answer {
    private final Pending place;

    Place(Pending place) {
      this.place = place;
    }

    @Override
    public void send(ApiMessage message, Runnable gone) {
      Request request = place.request;
      ApiKeys api = request.served.api();
      short version = request.served.speaks(request.version) ? request.version : 0;
      if (closing) {
        gone.run();
        end("CLOSED");
        return;
      }
      place.gone = gone;
      try {
        place.out =
            FrameWriter.frame(
                channel.alloc(),
                new ResponseHeaderData().setCorrelationId(request.correlationId),
                api.responseHeaderVersion(version),
                message,
                version);
      } catch (IllegalStateException e) {
        place.close = api.name + " cannot be answered: " + e.getMessage();
        gone.run();
      }
      end("OK");
    }

    @Override
    public void none() {
      end("OK");
    }

    @Override
    public void close(String why) {
      place.close = why;
      end("CLOSED");
    }

    private void end(String code) {
      if (place.done) {
        throw new IllegalStateException(place.request.served.api() + " is answered twice");
      }
      place.done = true;
      shared
          .metrics()
          .onRequest(
              "kafka",
              place.request.served.api().name,
              code,
              loop.clock().nanoTime() - place.startedNanos);
      drain();
    }
  }

  private void drain() {
    boolean wrote = false;
    for (Pending head = pending.peek(); head != null && head.done; head = pending.peek()) {
      pending.remove();
      inFlightBytes -= head.request.size;
      shared.budget().giveBack(head.request.size);
      Frame out = head.out;
      if (out != null && closing) {
        out.release();
        head.gone.run();
      } else if (out != null) {
        write(out, head.gone);
        wrote = true;
      }
      if (head.close != null && !closing) {
        complain(head.close);
      }
    }
    if (wrote && !closing) {
      channel.flush();
    }
    work();
  }

  private void write(Frame frame, Runnable gone) {
    for (Object piece : frame.pieces().subList(0, frame.pieces().size() - 1)) {
      if (piece instanceof FileRegion region) {
        write(region);
      } else {
        channel.write(piece, channel.voidPromise());
      }
    }
    // The last piece is a buffer, if an empty one.
    Object last = frame.pieces().get(frame.pieces().size() - 1);
    channel.write(last).addListener(written -> gone.run());
  }

  private void write(FileRegion region) {
    regions.add(region);
    regionBytes += region.count();
    channel
        .write(region)
        .addListener(
            written -> {
              regions.remove(region);
              regionBytes -= region.count();
              if (written.isSuccess()) {
                work();
              } else {
                close();
              }
            });
  }

  private long untakenBytes() {
    ChannelOutboundBuffer out = channel.unsafe().outboundBuffer();
    long bytes = out == null ? 0 : out.totalPendingWriteBytes();
    for (FileRegion region : regions) {
      bytes += RangeRegion.left(region);
    }
    return bytes;
  }

  /** Once a second: who is too slow, and who has nothing to say. */
  private void check() {
    if (closing) {
      return;
    }
    long now = loop.clock().nanoTime();
    ConnectionLimits limits = shared.limits();
    long untaken = untakenBytes();
    if (untaken == 0 || untaken != untakenBytes) {
      untakenBytes = untaken;
      untakenSinceNanos = now;
    }
    boolean reading = frame.begun() && !full();
    if (!reading) {
      frameSinceNanos = now; // the broker's own pauses are not the client's
    }
    if (noMemory) {
      lastRequestNanos = now;
    }
    if (!talked && now - lastRequestNanos > limits.firstRequestMs() * MILLI) {
      complain("no whole request came within " + limits.firstRequestMs() + " ms");
    } else if (reading && now - frameSinceNanos > limits.frameMs() * MILLI) {
      complain("a request did not come within " + limits.frameMs() + " ms");
    } else if (now - untakenSinceNanos > limits.frameMs() * MILLI) {
      complain("it took nothing of its answers for " + limits.frameMs() + " ms");
    } else if (pending.isEmpty() && now - lastRequestNanos > limits.idleMs() * MILLI) {
      LOG.debug("the Kafka connection of {} is closed: nothing came", who);
      close();
    } else {
      loop.schedule(CHECK_NANOS, this::check);
    }
  }

  private void complain(String why) {
    shared.complaints().closed(who, why);
    close();
  }

  private void close() {
    if (!closing) {
      closing = true;
      channel.close();
      release();
      state.closed();
    }
  }

  private void release() {
    unread.forEach(ByteBuf::release);
    unread.clear();
    frame.close();
    Request never = waiting;
    if (never != null) {
      shared.budget().giveBack(never.size);
      waiting = null;
    }
    // What is under way ends by itself and gives back what it holds.
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (!closing) {
      closing = true;
      release();
      state.closed();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof IOException) { // reset by the client
      close();
    } else {
      LOG.warn("the Kafka connection of {} is closed", who, cause);
      close();
    }
  }
}
