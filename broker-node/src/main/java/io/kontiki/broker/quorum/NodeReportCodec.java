package io.kontiki.broker.quorum;

import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.NodeReports.ConfigOrigin;
import io.kontiki.broker.api.NodeReports.LogDir;
import io.kontiki.internal.v1.NodeConfigLine;
import io.kontiki.internal.v1.NodeConfigOrigin;
import io.kontiki.internal.v1.NodeLogDir;
import io.kontiki.internal.v1.NodeLogDirState;

/** What a node tells of itself, as messages. What a newer node says beyond it reads as usual. */
final class NodeReportCodec {
  private NodeReportCodec() {}

  static NodeLogDir message(LogDir dir) {
    return NodeLogDir.newBuilder()
        .setPath(dir.path())
        .setState(
            switch (dir.state()) {
              case ONLINE -> NodeLogDirState.NODE_LOG_DIR_STATE_ONLINE;
              case FULL -> NodeLogDirState.NODE_LOG_DIR_STATE_FULL;
              case OFFLINE -> NodeLogDirState.NODE_LOG_DIR_STATE_OFFLINE;
            })
        .setTotalBytes(dir.totalBytes())
        .setUsableBytes(dir.usableBytes())
        .setLogBytes(dir.logBytes())
        .build();
  }

  static LogDir logDir(NodeLogDir message) {
    LogDir.State state =
        switch (message.getState()) {
          case NODE_LOG_DIR_STATE_FULL -> LogDir.State.FULL;
          case NODE_LOG_DIR_STATE_OFFLINE -> LogDir.State.OFFLINE;
          default -> LogDir.State.ONLINE;
        };
    return new LogDir(
        message.getPath(),
        state,
        message.getTotalBytes(),
        message.getUsableBytes(),
        message.getLogBytes());
  }

  static NodeConfigLine message(ConfigLine line) {
    return NodeConfigLine.newBuilder()
        .setKey(line.key())
        .setValue(line.value())
        .setDefaultValue(line.defaultValue())
        .setOrigin(
            switch (line.origin()) {
              case DEFAULT, TOPIC -> NodeConfigOrigin.NODE_CONFIG_ORIGIN_DEFAULT;
              case FILE -> NodeConfigOrigin.NODE_CONFIG_ORIGIN_FILE;
              case ENVIRONMENT -> NodeConfigOrigin.NODE_CONFIG_ORIGIN_ENVIRONMENT;
              case COMMAND_LINE -> NodeConfigOrigin.NODE_CONFIG_ORIGIN_COMMAND_LINE;
            })
        .setUnit(line.unit())
        .setDescription(line.description())
        .build();
  }

  static ConfigLine configLine(NodeConfigLine message) {
    ConfigOrigin origin =
        switch (message.getOrigin()) {
          case NODE_CONFIG_ORIGIN_FILE -> ConfigOrigin.FILE;
          case NODE_CONFIG_ORIGIN_ENVIRONMENT -> ConfigOrigin.ENVIRONMENT;
          case NODE_CONFIG_ORIGIN_COMMAND_LINE -> ConfigOrigin.COMMAND_LINE;
          default -> ConfigOrigin.DEFAULT;
        };
    return new ConfigLine(
        message.getKey(),
        message.getValue(),
        message.getDefaultValue(),
        origin,
        message.getUnit(),
        message.getDescription());
  }
}
