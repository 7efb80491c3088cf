package io.kontiki.cli.base;

import java.util.ArrayList;
import java.util.List;

/** Rows under a heading, columns aligned, two spaces between; the last column is not padded. */
public final class Table {
  private final List<String[]> rows = new ArrayList<>();

  public Table(String... heading) {
    rows.add(heading);
  }

  /** Adds a row; an empty cell shows as "-". */
  public Table row(Object... cells) {
    if (cells.length != rows.get(0).length) {
      throw new IllegalArgumentException(
          cells.length + " cells under " + rows.get(0).length + " headings");
    }
    String[] texts = new String[cells.length];
    for (int i = 0; i < cells.length; i++) {
      String text = String.valueOf(cells[i]);
      texts[i] = text.isEmpty() ? "-" : text;
    }
    rows.add(texts);
    return this;
  }

  /** The lines, each ended by a newline. */
  @Override
  public String toString() {
    int[] widths = new int[rows.get(0).length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        text.append(row[i]);
        if (i < row.length - 1) {
          text.append(" ".repeat(widths[i] - row[i].length() + 2));
        }
      }
      text.append('\n');
    }
    return text.toString();
  }
}
