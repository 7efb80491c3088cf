package io.kontiki.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Timestamps;
import io.kontiki.cli.admin.JsonObject;
import io.kontiki.v1.LogRecord;
import io.kontiki.v1.RecordHeader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A consumed record as one line of JSON. */
final class RecordText {
  private RecordText() {}

  static JsonObject json(String topic, int partition, LogRecord record) {
    List<List<@Nullable Object>> headers = new ArrayList<>();
    for (RecordHeader header : record.getHeadersList()) {
      headers.add(
          Arrays.asList(header.getKey(), header.hasValue() ? text(header.getValue()) : null));
    }
    return new JsonObject()
        .with("topic", topic)
        .with("partition", partition)
        .with("offset", record.getOffset())
        .with(
            "timestamp", record.hasTimestamp() ? Timestamps.toMillis(record.getTimestamp()) : null)
        .with("key", record.hasKey() ? text(record.getKey()) : null)
        .with("value", record.hasValue() ? text(record.getValue()) : null)
        .with("headers", headers);
  }

  /** A string, or an object that says base64 where the bytes are not UTF-8. */
  private static Object text(ByteString bytes) {
    return bytes.isValidUtf8()
        ? bytes.toStringUtf8()
        : new JsonObject().with("base64", Base64.getEncoder().encodeToString(bytes.toByteArray()));
  }
}
