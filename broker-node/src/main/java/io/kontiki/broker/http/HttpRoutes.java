package io.kontiki.broker.http;

import io.kontiki.broker.api.Health;
import io.kontiki.broker.metrics.BrokerMetrics;
import io.kontiki.broker.rpc.AdminCalls;
import io.kontiki.broker.rpc.Budget;
import io.kontiki.broker.rpc.CallLoops;
import io.kontiki.broker.rpc.ServiceState;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.Worker;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import java.util.function.Supplier;

/** Which path is answered by whom. */
public final class HttpRoutes {
  private static final int SCRAPES = 8;

  private final CallLoops loops;
  private final AdminJson admin;
  private final Health health;
  private final Supplier<String> metricsText;
  private final Worker worker;
  private final Budget scrapes = new Budget("scrapes", SCRAPES);

  /**
   * @param loops those that the HTTP server runs on
   * @param metricsText of {@code /metrics}
   * @param worker makes that text, off the loops; at most 8 tasks at a time
   */
  public HttpRoutes(
      CallLoops loops,
      AdminCalls calls,
      ServiceState state,
      BrokerMetrics metrics,
      Health health,
      Supplier<String> metricsText,
      Worker worker) {
    this.loops = loops;
    this.admin = new AdminJson(calls, state, metrics);
    this.health = health;
    this.metricsText = metricsText;
    this.worker = worker;
  }

  /** Answers a request; the completion runs on the same loop. */
  void route(FullHttpRequest request, Completion<HttpAnswer> completion) {
    String path = path(request.uri());
    if (path.startsWith(AdminJson.PATH)) {
      if (request.method().equals(HttpMethod.POST)) {
        admin.call(loops.current(), json(path, request), completion);
      } else {
        completion.complete(
            HttpAnswer.text(405, "AdminService takes POST alone").with("Allow", "POST"));
      }
      return;
    }
    if (!path.equals("/metrics") && !path.equals("/healthz") && !path.equals("/readyz")) {
      completion.complete(HttpAnswer.text(404, "there is nothing at " + path));
    } else if (!request.method().equals(HttpMethod.GET)
        && !request.method().equals(HttpMethod.HEAD)) {
      completion.complete(
          HttpAnswer.text(405, path + " takes GET alone").with("Allow", "GET, HEAD"));
    } else if (path.equals("/metrics")) {
      scrape(completion);
    } else {
      Health.Verdict verdict = path.equals("/healthz") ? health.alive() : health.ready();
      completion.complete(HttpAnswer.text(verdict.ok() ? 200 : 503, verdict.text()));
    }
  }

  private static String path(String uri) {
    int query = uri.indexOf('?');
    return query < 0 ? uri : uri.substring(0, query);
  }

  private static AdminJson.Request json(String path, FullHttpRequest request) {
    return new AdminJson.Request(
        path.substring(AdminJson.PATH.length()),
        request.headers().get(HttpHeaderNames.CONTENT_TYPE),
        request.headers().get(HttpHeaderNames.CONTENT_ENCODING),
        request.headers().get("Connect-Timeout-Ms"),
        request.content().nioBuffer());
  }

  private void scrape(Completion<HttpAnswer> completion) {
    EventLoop loop = loops.current();
    if (!scrapes.tryTake(1)) {
      completion.complete(HttpAnswer.text(503, "too many scrapes at a time"));
      return;
    }
    worker.execute(
        () -> {
          HttpAnswer answer;
          try {
            answer =
                new HttpAnswer(
                    200,
                    "text/plain; version=0.0.4; charset=utf-8",
                    metricsText.get(),
                    java.util.Map.of(),
                    false);
          } finally {
            scrapes.giveBack(1);
          }
          loop.execute(() -> completion.complete(answer));
        });
  }
}
