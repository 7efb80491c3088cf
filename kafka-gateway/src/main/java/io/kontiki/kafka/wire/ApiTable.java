package io.kontiki.kafka.wire;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.jspecify.annotations.Nullable;

/** What is served, and therefore told to clients. */
public final class ApiTable {
  private final Map<ApiKeys, Served> served = new EnumMap<>(ApiKeys.class);

  /** Takes requests of one API, on the loops of their connections. */
  public interface Handler<Q extends ApiMessage> {
    /** Serves one; does not block. */
    void serve(Call call, Q request, Answer answer);
  }

  /**
   * An API.
   *
   * @param oldest version, inclusive
   * @param newest version, inclusive
   * @param pipelined one may begin before the one before it is answered, if that is of this kind,
   *     too; all others wait for all before them
   */
  public record Served(
      ApiKeys api, short oldest, short newest, boolean pipelined, Handler<ApiMessage> handler) {
    boolean speaks(short version) {
      return version >= oldest && version <= newest;
    }
  }

  /** Adds an API in all versions that the codecs know. */
  public <Q extends ApiMessage> ApiTable with(ApiKeys api, Class<Q> type, Handler<Q> handler) {
    return with(api, api.oldestVersion(), type, false, handler);
  }

  /** Adds an API from a version on. */
  public <Q extends ApiMessage> ApiTable with(
      ApiKeys api, int oldest, Class<Q> type, boolean pipelined, Handler<Q> handler) {
    served.put(
        api,
        new Served(
            api,
            (short) oldest,
            api.latestVersion(false),
            pipelined,
            (call, request, answer) -> handler.serve(call, type.cast(request), answer)));
    return this;
  }

  @Nullable Served find(short id) {
    return ApiKeys.hasId(id) ? served.get(ApiKeys.forId(id)) : null;
  }

  /** All of them, by number. */
  public Collection<Served> all() {
    return Collections.unmodifiableCollection(served.values());
  }
}
