package io.kontiki.cli.admin;

import io.kontiki.cli.base.Deadline;
import io.kontiki.model.Endpoint;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * HTTP/1.1, one call per connection, on a plain socket: the JDK's clients would take longer to load
 * than the call takes. Every call ends by its deadline.
 */
public final class HttpClient {
  private static final int MAX_BODY_BYTES = 64 * 1024 * 1024;
  private static final int MAX_LINE_BYTES = 16 * 1024;

  /**
   * Fetches a page.
   *
   * @throws NoAnswerException if there is no complete answer by the deadline
   */
  public HttpAnswer get(Endpoint host, String path, Deadline deadline) throws NoAnswerException {
    return call(host, "GET " + path + " HTTP/1.1\r\n" + common(host) + "\r\n", deadline);
  }

  /**
   * Posts JSON; the server is told the time left.
   *
   * @throws NoAnswerException if there is no complete answer by the deadline
   */
  public HttpAnswer post(Endpoint host, String path, String json, Deadline deadline)
      throws NoAnswerException {
    String request =
        "POST "
            + path
            + " HTTP/1.1\r\n"
            + common(host)
            + "Content-Type: application/json\r\nConnect-Timeout-Ms: "
            + Math.max(1, deadline.remainingMs())
            + "\r\nContent-Length: "
            + json.getBytes(StandardCharsets.UTF_8).length
            + "\r\n\r\n"
            + json;
    return call(host, request, deadline);
  }

  private static String common(Endpoint host) {
    return "Host: " + host + "\r\nAccept: application/json\r\nConnection: close\r\n";
  }

  private static HttpAnswer call(Endpoint host, String request, Deadline deadline)
      throws NoAnswerException {
    boolean sent = false;
    try (Socket socket = connect(host, deadline)) {
      sent = true;
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      return new Answer(socket, deadline).read();
    } catch (SocketTimeoutException e) {
      throw new NoAnswerException(host + " did not answer in time", sent, true);
    } catch (UnknownHostException e) {
      throw new NoAnswerException(host + ": no such host", sent, false);
    } catch (IOException e) {
      String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new NoAnswerException(host + ": " + why, sent, false);
    }
  }

  /** To the first of the host's addresses where somebody listens. */
  private static Socket connect(Endpoint host, Deadline deadline) throws IOException {
    IOException refused = new UnknownHostException(host.host());
    for (InetAddress address : InetAddress.getAllByName(host.host())) {
      Socket socket = new Socket();
      try {
        socket.connect(new InetSocketAddress(address, host.port()), timeLeft(deadline));
        socket.setTcpNoDelay(true);
        return socket;
      } catch (IOException e) {
        socket.close();
        refused = e;
      }
    }
    throw refused;
  }

  private static int timeLeft(Deadline deadline) throws SocketTimeoutException {
    long ms = deadline.remainingMs();
    if (ms == 0) {
      throw new SocketTimeoutException();
    }
    return (int) Math.min(ms, Integer.MAX_VALUE);
  }

  /** Reads one answer; every wait is cut at the deadline. */
  private static final class Answer {
    private final Socket socket;
    private final InputStream in;
    private final Deadline deadline;
    private final byte[] buffer = new byte[8192];
    private int at;
    private int end;

    Answer(Socket socket, Deadline deadline) throws IOException {
      this.socket = socket;
      this.in = socket.getInputStream();
      this.deadline = deadline;
    }

    HttpAnswer read() throws IOException {
      String statusLine = line();
      if (!statusLine.matches("HTTP/1\\.[01] [0-9]{3}.*")) {
        throw new IOException("the answer is not HTTP");
      }
      int length = -1;
      boolean chunked = false;
      long retryAfterMs = 0;
      for (String header = line(); !header.isEmpty(); header = line()) {
        int colon = Math.max(0, header.indexOf(':'));
        String value = header.substring(Math.min(header.length(), colon + 1)).trim();
        switch (header.substring(0, colon).toLowerCase(Locale.ROOT)) {
          case "content-length" -> length = parse(value, 10);
          case "transfer-encoding" -> chunked = value.equalsIgnoreCase("chunked");
          case "retry-after" -> retryAfterMs = parse(value, 10) * 1000L;
          default -> {
            // Everything else is of no concern here.
          }
        }
      }
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      if (chunked) {
        for (int size = chunkSize(); size > 0; size = chunkSize()) {
          copy(size, body);
          line();
        }
      } else if (length >= 0) {
        copy(length, body);
      } else {
        copyToEnd(body);
      }
      return new HttpAnswer(
          parse(statusLine.substring(9, 12), 10),
          retryAfterMs,
          body.toString(StandardCharsets.UTF_8));
    }

    private int chunkSize() throws IOException {
      String line = line();
      int extension = line.indexOf(';');
      return parse(extension < 0 ? line.trim() : line.substring(0, extension).trim(), 16);
    }

    private static int parse(String digits, int radix) throws IOException {
      try {
        int value = Integer.parseInt(digits, radix);
        if (value >= 0 && value <= MAX_BODY_BYTES) {
          return value;
        }
      } catch (NumberFormatException e) {
        // Said below.
      }
      throw new IOException("the answer has a number that is none or too large: " + digits);
    }

    private String line() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int b = next(); b != '\n'; b = next()) {
        if (b < 0) {
          throw new EOFException("the connection was closed before the answer");
        }
        if (line.size() == MAX_LINE_BYTES) {
          throw new IOException("the answer has a line of more than " + MAX_LINE_BYTES + " bytes");
        }
        line.write(b);
      }
      String text = line.toString(StandardCharsets.ISO_8859_1);
      return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }

    private void copy(int bytes, ByteArrayOutputStream to) throws IOException {
      for (int left = bytes; left > 0; ) {
        if (at == end && !fill()) {
          throw new EOFException("the connection was closed within the answer");
        }
        int piece = Math.min(left, end - at);
        to.write(buffer, at, piece);
        at += piece;
        left -= piece;
      }
    }

    private void copyToEnd(ByteArrayOutputStream to) throws IOException {
      while (at < end || fill()) {
        to.write(buffer, at, end - at);
        at = end;
        if (to.size() > MAX_BODY_BYTES) {
          throw new IOException("the answer is longer than " + MAX_BODY_BYTES + " bytes");
        }
      }
    }

    private int next() throws IOException {
      return at == end && !fill() ? -1 : buffer[at++] & 0xff;
    }

    private boolean fill() throws IOException {
      socket.setSoTimeout(timeLeft(deadline));
      at = 0;
      end = Math.max(0, in.read(buffer));
      return end > 0;
    }
  }
}
