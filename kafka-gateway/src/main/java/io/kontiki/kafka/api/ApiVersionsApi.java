package io.kontiki.kafka.api;

import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.ApiTable;
import io.kontiki.kafka.wire.Call;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.message.ApiVersionsResponseData;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;

/** Tells what is served, also who asks in a version of tomorrow. */
final class ApiVersionsApi {
  private final ApiTable table;

  ApiVersionsApi(ApiTable table) {
    this.table = table;
  }

  void serve(Call call, ApiVersionsRequestData request, Answer answer) {
    ApiVersionsResponseData response = new ApiVersionsResponseData();
    boolean known = ApiKeys.API_VERSIONS.isVersionSupported(call.version());
    if (!known) {
      response.setErrorCode(Errors.UNSUPPORTED_VERSION.code()); // in a body of version 0
    }
    for (ApiTable.Served served : table.all()) {
      if (known || served.api() == ApiKeys.API_VERSIONS) {
        response
            .apiKeys()
            .add(
                new ApiVersion()
                    .setApiKey(served.api().id)
                    .setMinVersion(served.oldest())
                    .setMaxVersion(served.newest()));
      }
    }
    answer.send(response);
  }
}
