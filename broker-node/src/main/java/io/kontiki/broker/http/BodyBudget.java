package io.kontiki.broker.http;

import io.kontiki.broker.rpc.Budget;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.util.ReferenceCountUtil;

/**
 * Takes room for a request's body before it is gathered. Stands before the aggregator, one per
 * connection; the connection's handler tells when the request has been answered.
 */
@SuppressWarnings("FutureReturnValueIgnored") // a write that fails closes the connection
final class BodyBudget extends ChannelInboundHandlerAdapter {
  private final Budget bytes;
  private final int maxBodyBytes;
  private long taken;
  private boolean refused;

  BodyBudget(Budget bytes, int maxBodyBytes) {
    this.bytes = bytes;
    this.maxBodyBytes = maxBodyBytes;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (message instanceof HttpRequest request && !refused) {
      long body =
          HttpUtil.isTransferEncodingChunked(request)
              ? maxBodyBytes
              : Math.min(maxBodyBytes, Math.max(0, HttpUtil.getContentLength(request, 0L)));
      if (bytes.tryTake(body)) {
        taken += body;
      } else {
        refused = true;
        HttpConnection.write(context, JsonErrors.answer(bytes.busy()).closing(), false);
      }
    }
    if (refused) {
      ReferenceCountUtil.release(message);
    } else {
      super.channelRead(context, message);
    }
  }

  /** The request has been answered, or the connection has ended. */
  void giveBack() {
    bytes.giveBack(taken);
    taken = 0;
  }
}
