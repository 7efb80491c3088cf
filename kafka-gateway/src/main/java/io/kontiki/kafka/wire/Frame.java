package io.kontiki.kafka.wire;

import io.netty.util.ReferenceCountUtil;
import java.util.List;

/**
 * One answer as it goes out.
 *
 * @param pieces buffers and {@link io.netty.channel.FileRegion}s, in order; at least one
 */
record Frame(List<Object> pieces) {
  Frame {
    pieces = List.copyOf(pieces);
  }

  /** It does not go out. */
  void release() {
    pieces.forEach(ReferenceCountUtil::release);
  }
}
