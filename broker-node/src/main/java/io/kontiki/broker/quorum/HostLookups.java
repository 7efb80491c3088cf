package io.kontiki.broker.quorum;

import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks up host names off the control loop, which a slow name server would stop for seconds, and
 * with it every session. One lookup per name at a time, each on a thread of its own that ends with
 * it; who asks meanwhile waits for the same answer. On the control loop.
 */
final class HostLookups {
  private final EventLoop loop;
  private final Resolver resolver;
  private final Map<String, List<Waiter>> running = new HashMap<>();

  /** Blocks until it has the address. */
  interface Resolver {
    /** Never null. */
    InetAddress resolve(String host) throws IOException;
  }

  private static final class Waiter {
    private final Completion<Optional<InetAddress>> completion;
    private boolean done;

    Waiter(Completion<Optional<InetAddress>> completion) {
      this.completion = completion;
    }

    void end(Optional<InetAddress> address) {
      if (!done) {
        done = true;
        completion.complete(address);
      }
    }
  }

  HostLookups(EventLoop control) {
    this(control, InetAddress::getByName);
  }

  HostLookups(EventLoop control, Resolver resolver) {
    this.loop = control;
    this.resolver = resolver;
  }

  /**
   * Finds the address of a host, at once if it is an address already.
   *
   * @param completion empty: unknown, or not found in time
   */
  void lookUp(String host, long timeoutNanos, Completion<Optional<InetAddress>> completion) {
    byte[] literal = NetUtil.createByteArrayFromIpAddressString(host);
    if (literal != null) {
      try {
        completion.complete(Optional.of(InetAddress.getByAddress(host, literal)));
      } catch (UnknownHostException e) {
        completion.complete(Optional.empty()); // neither 4 nor 16 bytes, which cannot be
      }
      return;
    }
    Waiter waiter = new Waiter(completion);
    loop.schedule(timeoutNanos, () -> waiter.end(Optional.empty()));
    List<Waiter> all = running.get(host);
    if (all != null) {
      all.removeIf(other -> other.done);
      all.add(waiter);
      return;
    }
    running.put(host, new ArrayList<>(List.of(waiter)));
    Thread thread = new Thread(() -> resolve(host), "lookup-" + host);
    thread.setDaemon(true);
    thread.start();
  }

  private void resolve(String host) {
    Optional<InetAddress> address = addressOf(host);
    loop.execute(
        () -> {
          List<Waiter> all = running.remove(host);
          if (all != null) {
            all.forEach(waiter -> waiter.end(address));
          }
        });
  }

  private Optional<InetAddress> addressOf(String host) {
    try {
      return Optional.of(resolver.resolve(host));
    } catch (IOException | SecurityException e) {
      return Optional.empty();
    }
  }
}
