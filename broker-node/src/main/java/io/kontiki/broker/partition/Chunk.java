package io.kontiki.broker.partition;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * Whole batches to ship.
 *
 * @param nextOffset behind them
 */
record Chunk(List<ByteBuffer> batches, int bytes, long nextOffset) {}
