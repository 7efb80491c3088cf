package io.kontiki.kafka.api;

import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.ApiTable;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** All that is served. */
public final class Apis {
  private Apis() {}

  /** The table of a broker. */
  public static ApiTable table(DoorServices services) {
    ApiTable table = new ApiTable();
    return table.with(
        ApiKeys.API_VERSIONS, ApiVersionsRequestData.class, new ApiVersionsApi(table)::serve);
  }
}
