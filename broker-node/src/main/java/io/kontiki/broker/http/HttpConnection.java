package io.kontiki.broker.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: one request at a time. Who takes too long to send a whole request, or to take an
 * answer, is closed.
 */
final class HttpConnection extends SimpleChannelInboundHandler<FullHttpRequest> {
  /** From one answer (or the beginning) to the end of the next request. */
  static final long REQUEST_MS = 30_000;

  /** To take an answer. */
  static final long ANSWER_MS = 30_000;

  private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);

  private final HttpRoutes routes;
  private final BodyBudget budget;
  private final long requestMs;
  // Pipelined behind the one that is served: no more than one read from the socket has brought.
  private final ArrayDeque<FullHttpRequest> waiting = new ArrayDeque<>();
  private @Nullable Future<?> deadline;
  private boolean serving;

  HttpConnection(HttpRoutes routes, BodyBudget budget, long requestMs) {
    this.routes = routes;
    this.budget = budget;
    this.requestMs = requestMs;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    awaitRequest(context);
  }

  private void awaitRequest(ChannelHandlerContext context) {
    serving = false;
    closeIn(context, requestMs);
    FullHttpRequest next = waiting.poll();
    if (next == null) {
      budget.giveBack();
      context.read();
      return;
    }
    try {
      serve(context, next);
    } finally {
      next.release();
    }
  }

  private void closeIn(ChannelHandlerContext context, long ms) {
    cancelDeadline();
    deadline = context.executor().schedule(() -> context.close(), ms, TimeUnit.MILLISECONDS);
  }

  private void cancelDeadline() {
    Future<?> running = deadline;
    if (running != null) {
      running.cancel(false);
    }
  }

  @Override
  protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
    if (serving) {
      waiting.add(request.retain());
    } else {
      serve(context, request);
    }
  }

  private void serve(ChannelHandlerContext context, FullHttpRequest request) {
    serving = true;
    cancelDeadline();
    if (!request.decoderResult().isSuccess()) {
      answer(context, HttpAnswer.text(400, "not an HTTP/1.1 request").closing(), false);
      return;
    }
    boolean keepAlive = HttpUtil.isKeepAlive(request);
    boolean head = request.method().equals(HttpMethod.HEAD);
    routes.route(request, answer -> answer(context, keepAlive ? answer : answer.closing(), head));
  }

  private void answer(ChannelHandlerContext context, HttpAnswer answer, boolean head) {
    closeIn(context, ANSWER_MS);
    ChannelFuture written = write(context, answer, head);
    if (!answer.close()) {
      written.addListener(
          done -> {
            if (done.isSuccess()) {
              // Not from inside: hundreds of small requests may wait, each would deepen the stack.
              context.executor().execute(() -> awaitRequest(context));
            } else {
              context.close();
            }
          });
    }
  }

  /** Writes an answer, and closes behind it if it says so. */
  static ChannelFuture write(ChannelHandlerContext context, HttpAnswer answer, boolean head) {
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(answer.status()),
            head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(answer.body()));
    response
        .headers()
        .set(HttpHeaderNames.CONTENT_TYPE, answer.contentType())
        .setInt(HttpHeaderNames.CONTENT_LENGTH, answer.body().length)
        .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
        .set("X-Content-Type-Options", "nosniff");
    answer.headers().forEach((name, value) -> response.headers().set(name, value));
    if (answer.close()) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
    ChannelFuture written = context.writeAndFlush(response);
    if (answer.close()) {
      written.addListener(ChannelFutureListener.CLOSE);
    }
    return written;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    cancelDeadline();
    waiting.forEach(FullHttpRequest::release);
    waiting.clear();
    budget.giveBack();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!(cause instanceof IOException)) {
      LOG.warn("a connection of {} is closed", context.channel().remoteAddress(), cause);
    }
    context.close();
  }
}
