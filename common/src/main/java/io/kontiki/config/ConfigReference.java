package io.kontiki.config;

import java.util.List;

/** Writes the reference page of keys, so that it cannot differ from what a server reads. */
public final class ConfigReference {
  private ConfigReference() {}

  /** Markdown: the keys of a server, then the settings of a topic. */
  public static String markdown() {
    StringBuilder page = new StringBuilder();
    page.append("# Configuration\n\n")
        .append("A file of `key = value` lines, given by `--config`. An environment variable\n")
        .append(
            "(`KONTIKI_NODE_ID` for `node.id`) overrides it, `--set key=value` overrides both.\n")
        .append(
            "Times: milliseconds, or a number with `ms`, `s`, `m`, `h` or `d`. Bytes: a number,\n")
        .append("or one with `k`, `m` or `g` (1024 each).\n\n## Server\n\n");
    table(page, NodeConfig.keys());
    page.append("\n## Topic\n\n");
    table(page, TopicConfig.KEYS);
    return page.toString();
  }

  private static void table(StringBuilder page, List<ConfigKey<?>> keys) {
    page.append("| key | default | unit | what it does |\n|---|---|---|---|\n");
    for (ConfigKey<?> key : keys) {
      String defaultText = key.defaultText().isEmpty() ? "" : "`" + key.defaultText() + "`";
      page.append("| `")
          .append(key.name())
          .append("` | ")
          .append(key.required() ? "required" : defaultText)
          .append(" | ")
          .append(key.unit())
          .append(" | ")
          .append(key.doc().replace("|", "\\|"))
          .append(" |\n");
    }
  }
}
