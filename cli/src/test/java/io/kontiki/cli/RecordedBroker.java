package io.kontiki.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A real HTTP server that gives recorded answers of the admin service. */
final class RecordedBroker implements AutoCloseable {
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, Deque<Answer>> answers = new ConcurrentHashMap<>();
  private final List<String> requests = new ArrayList<>();
  private final CountDownLatch closed = new CountDownLatch(1);

  /**
   * An answer.
   *
   * @param status 0: none ever comes
   */
  record Answer(int status, String body) {}

  RecordedBroker() throws IOException {
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** Adds an answer to a method; the last one is given again and again. */
  RecordedBroker answer(String method, int status, String body) {
    answers
        .computeIfAbsent("/kontiki.v1.AdminService/" + method, ignored -> new ArrayDeque<>())
        .add(new Answer(status, body));
    return this;
  }

  /** As a broker refuses. */
  RecordedBroker refuse(String method, int status, String code, String reason, String outcome) {
    return answer(
        method,
        status,
        "{\"code\":\""
            + code
            + "\",\"message\":\"said the broker\",\"details\":[{\"type\":\"google.rpc.ErrorInfo\","
            + "\"value\":\"\",\"debug\":{\"reason\":\""
            + reason
            + "\",\"domain\":\"kontiki\",\"metadata\":{\"outcome\":\""
            + outcome
            + "\"}}}]}");
  }

  String address() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** Path, content type and body of each request so far, but for the health page. */
  synchronized List<String> requests() {
    return List.copyOf(requests);
  }

  private synchronized Answer next(HttpExchange exchange, String body) {
    String path = exchange.getRequestURI().getPath();
    if (path.equals("/healthz")) {
      return new Answer(200, "");
    }
    requests.add(
        path.substring(path.lastIndexOf('/') + 1)
            + " "
            + exchange.getRequestHeaders().getFirst("Content-Type")
            + " "
            + body);
    Deque<Answer> recorded = answers.getOrDefault(path, new ArrayDeque<>());
    Answer answer = recorded.size() > 1 ? recorded.poll() : recorded.peek();
    return answer == null ? new Answer(404, "<html>no such page</html>") : answer;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    Answer answer = next(exchange, body);
    if (answer.status() == 0) {
      try {
        closed.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return;
    }
    byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
    // Length 0 means chunks to this server, so that both forms are read.
    exchange.sendResponseHeaders(answer.status(), bytes.length % 2 == 0 ? 0 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
