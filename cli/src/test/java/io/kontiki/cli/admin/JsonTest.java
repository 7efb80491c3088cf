package io.kontiki.cli.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class JsonTest {
  @Test
  void whatIsReadIsWrittenTheSame() {
    String text =
        "{\"a\":[1,-2,3.50,1e3,9223372036854775807],\"b\":{\"c\":null,\"d\":true,\"e\":false},"
            + "\"f\":[],\"g\":{},\"h\":\"x\\n\\t\\\"\\\\\\u0001ü€😀\"}";
    String expected = text.replace("1e3", "1E+3");
    assertEquals(expected, Json.write(Json.parse(text)));
    assertEquals(expected, Json.write(Json.parse(Json.write(Json.parse(text)))));
  }

  @Test
  void everyStringSurvives() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 500; round++) {
      StringBuilder string = new StringBuilder();
      for (int i = random.nextInt(20); i > 0; i--) {
        string.append((char) random.nextInt(0x10000));
      }
      assertEquals(string.toString(), Json.parse(Json.write(string.toString())), "seed " + seed);
    }
  }

  @Test
  void halfASurrogatePairIsEscaped() {
    assertEquals("\"\\ud83d.\"", Json.write("\ud83d."));
    assertEquals("\"\ud83d\ude00\"", Json.write("\ud83d\ude00"));
  }

  @Test
  void whatIsNotJsonIsRefused() {
    for (String text :
        List.of(
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "tru",
            "\"a",
            "\"\\x\"",
            "1 2",
            "nul",
            "--1",
            "{a:1}",
            "<html>",
            "\"\\u12\"",
            "[".repeat(1000))) {
      assertThrows(IllegalArgumentException.class, () -> Json.parse(text), text);
    }
  }

  @Test
  void sixtyFourBitFieldsBecomeNumbersButNoUsersKeys() {
    JsonObject answer =
        assertInstanceOf(
            JsonObject.class,
            Json.parse(
                "{\"metadataIndex\":\"7\",\"topic\":{\"config\":{\"offset\":\"7\"},\"partitions\":["
                    + "{\"startOffset\":\"0\",\"highWatermark\":\"9007199254740993\"}],"
                    + "\"name\":\"7\"}}"));
    assertEquals(
        "{\"metadataIndex\":7,\"topic\":{\"config\":{\"offset\":\"7\"},\"partitions\":["
            + "{\"startOffset\":0,\"highWatermark\":9007199254740993}],\"name\":\"7\"}}",
        answer.withNumbers().toString());
  }

  @Test
  void absentMembersReadAsEmpty() {
    JsonObject empty = new JsonObject();
    assertEquals("", empty.text("x"));
    assertEquals(0, empty.number("x"));
    assertEquals(List.of(), empty.objects("x"));
    assertNull(empty.get("x"));
  }
}
