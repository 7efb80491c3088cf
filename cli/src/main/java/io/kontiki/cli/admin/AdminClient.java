package io.kontiki.cli.admin;

import io.kontiki.cli.base.CliException;
import io.kontiki.cli.base.Deadline;
import io.kontiki.model.Endpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Calls the admin service of whichever broker answers.
 *
 * <ul>
 *   <li>Hosts are tried in the order given. One that refuses the connection is passed over; so is
 *       one that is silent, as a frozen process is: with several hosts each must first answer a
 *       request for its health page.
 *   <li>A definite "not now" is repeated until the time is up. A change that may have happened is
 *       never repeated.
 *   <li>If nothing that is Kontiki answers on HTTP, the same call goes over gRPC, if there is an
 *       address for it.
 * </ul>
 */
public final class AdminClient {
  private static final String SERVICE = "/kontiki.v1.AdminService/";
  private static final long PROBE_MS = 2_000;
  private static final long PAUSE_MS = 200;

  private final HttpClient http = new HttpClient();
  private final List<Endpoint> hosts;
  private final @Nullable Fallback fallback;
  private final Duration timeout;

  /** Another way to the admin service. */
  public interface Fallback {
    /**
     * Calls a method.
     *
     * @return null if nobody answered
     * @throws AdminError if the broker refused
     */
    @Nullable JsonObject call(String method, JsonObject request, Deadline deadline);
  }

  /**
   * Asks nobody yet.
   *
   * @param hosts HTTP addresses, at least one
   * @param fallback tried last; null if there is no other way
   * @param timeout of each call, all tries together
   */
  public AdminClient(List<Endpoint> hosts, @Nullable Fallback fallback, Duration timeout) {
    this.hosts = List.copyOf(hosts);
    this.fallback = fallback;
    this.timeout = timeout;
  }

  /**
   * Makes a call that only reads.
   *
   * @throws CliException if it is refused, or nobody answers in time
   */
  public JsonObject read(String method, JsonObject request) {
    try {
      return call(method, request, true, Deadline.in(timeout));
    } catch (AdminError e) {
      throw CliException.failed(e.line(true));
    }
  }

  /**
   * Makes a call that lists, page after page, and puts all lines into the first page's answer.
   *
   * @param lines name of the list in the answer
   * @throws CliException if it is refused, or nobody answers in time
   */
  public JsonObject readAll(String method, String lines) {
    JsonObject first = read(method, new JsonObject());
    List<JsonObject> all = first.objects(lines);
    for (JsonObject page = first; !page.text("nextPageToken").isEmpty(); ) {
      page = read(method, new JsonObject().with("pageToken", page.text("nextPageToken")));
      all.addAll(page.objects(lines));
    }
    return first.with(lines, all).with("nextPageToken", "");
  }

  /**
   * Makes a call that changes something.
   *
   * @throws CliException if it is refused, its outcome is not known, or nobody answers in time
   */
  public JsonObject change(String method, JsonObject request) {
    try {
      return call(method, request, false, Deadline.in(timeout));
    } catch (AdminError e) {
      throw CliException.failed(e.line(false));
    }
  }

  /**
   * What was read, and whether the quorum vouches for it.
   *
   * @param withoutQuorum why not; empty if it does
   */
  public record Reading(JsonObject answer, String withoutQuorum) {}

  /**
   * Reads with the quorum if it answers within a third of the time (at most 3 s), else from the
   * broker's own copy.
   *
   * @throws CliException if it is refused, or nobody answers in time
   */
  public Reading readEvenWithoutQuorum(String method) {
    Deadline deadline = Deadline.in(timeout);
    Deadline patience = deadline.atMost(Duration.ofMillis(Math.min(3_000, timeout.toMillis() / 3)));
    String why;
    try {
      return new Reading(new Call(method, new JsonObject(), true, patience, false).make(), "");
    } catch (AdminError e) {
      if (!e.isWithoutQuorum()) {
        throw CliException.failed(e.line(true));
      }
      why = e.line(true);
    } catch (CliException e) {
      if (e.exitCode() != CliException.NO_ANSWER || !patience.hasPassed()) {
        throw e;
      }
      why = "the quorum was not heard of in time";
    }
    return new Reading(readOwnCopy(method, new JsonObject(), deadline), why);
  }

  /**
   * Reads what a broker has applied, without the quorum.
   *
   * @throws CliException if it is refused, or nobody answers in time
   */
  public JsonObject readOwnCopy(String method, JsonObject request) {
    return readOwnCopy(method, request, Deadline.in(timeout));
  }

  private JsonObject readOwnCopy(String method, JsonObject request, Deadline deadline) {
    try {
      return call(method, request.with("minMetadataIndex", "0"), true, deadline);
    } catch (AdminError e) {
      throw CliException.failed(e.line(true));
    }
  }

  /**
   * Makes one call.
   *
   * @throws AdminError if it is refused
   * @throws CliException if nobody answers in time
   */
  public JsonObject call(String method, JsonObject request, boolean readOnly, Deadline deadline) {
    return new Call(method, request, readOnly, deadline, true).make();
  }

  /** One call and its tries. */
  private final class Call {
    private final String method;
    private final JsonObject request;
    private final boolean readOnly;
    private final Deadline deadline;
    private final boolean persistent;
    private final List<String> silent = new ArrayList<>();
    private boolean timedOut;
    private @Nullable AdminError later;

    Call(
        String method,
        JsonObject request,
        boolean readOnly,
        Deadline deadline,
        boolean persistent) {
      this.method = method;
      this.request = request;
      this.readOnly = readOnly;
      this.deadline = deadline;
      this.persistent = persistent;
    }

    JsonObject make() {
      while (true) {
        silent.clear();
        later = null;
        for (Endpoint host : hosts) {
          JsonObject answer = tryHost(host);
          if (answer != null) {
            return answer;
          }
        }
        AdminError refused = later;
        if (refused == null) {
          return overFallback();
        }
        long pauseMs = Math.max(PAUSE_MS, refused.retryAfterMs());
        if (!persistent || deadline.remainingMs() <= pauseMs) {
          throw refused;
        }
        deadline.pause(pauseMs);
      }
    }

    private @Nullable JsonObject tryHost(Endpoint host) {
      if (!isAwake(host)) {
        return null;
      }
      try {
        HttpAnswer answer = http.post(host, SERVICE + method, request.toString(), deadline);
        JsonObject json = answer.json();
        if (answer.status() == 200 && json != null) {
          return json;
        }
        AdminError error = AdminError.of(answer);
        if (error == null) {
          silent.add(
              host + " is not Kontiki (it answered with HTTP status " + answer.status() + ")");
        } else if (error.mayRepeat(readOnly)) {
          later = error;
        } else {
          throw error;
        }
      } catch (NoAnswerException e) {
        if (e.sent() && !readOnly) {
          throw CliException.noAnswer(
              "no answer: " + e.getMessage() + " (outcome unknown: look before repeating)");
        }
        note(e);
      }
      return null;
    }

    private boolean isAwake(Endpoint host) {
      if (hosts.size() == 1) {
        return true;
      }
      try {
        long fairShareMs = deadline.remainingMs() / hosts.size();
        http.get(
            host, "/healthz", deadline.atMost(Duration.ofMillis(Math.min(PROBE_MS, fairShareMs))));
        return true;
      } catch (NoAnswerException e) {
        note(e);
        return false;
      }
    }

    private void note(NoAnswerException e) {
      timedOut |= e.timedOut();
      silent.add(e.getMessage());
    }

    private JsonObject overFallback() {
      // A frozen broker is as silent on one port as on the other, and the time is used up.
      if (fallback != null && !timedOut && !deadline.hasPassed()) {
        JsonObject answer = fallback.call(method, request, deadline);
        if (answer != null) {
          return answer;
        }
      }
      throw CliException.noAnswer("no broker answered: " + String.join("; ", silent));
    }
  }
}
