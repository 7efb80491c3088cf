package io.kontiki.broker.rpc;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.Test;

/** Promise P18: connections are bounded. */
class ConnectionLimitTest {
  @Test
  void oneTooManyIsClosedAndAPlaceThatIsFreeAgainIsGiven() {
    EmbeddedChannel listening = new EmbeddedChannel(new ConnectionLimit(2));
    EmbeddedChannel first = new EmbeddedChannel();
    EmbeddedChannel second = new EmbeddedChannel();
    EmbeddedChannel third = new EmbeddedChannel();

    listening.writeInbound(first, second, third);
    assertSame(first, listening.readInbound());
    assertSame(second, listening.readInbound());
    assertNull(listening.readInbound(), "the third goes no further");
    assertFalse(third.isOpen());
    assertTrue(first.isOpen() && second.isOpen());

    first.close();
    EmbeddedChannel fourth = new EmbeddedChannel();
    EmbeddedChannel fifth = new EmbeddedChannel();
    listening.writeInbound(fourth, fifth);
    assertSame(fourth, listening.readInbound());
    assertFalse(fifth.isOpen());
    listening.close();
  }
}
