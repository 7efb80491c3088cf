package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.PartitionRequests.Fetch;
import io.kontiki.broker.api.PartitionRequests.FetchAnswer;
import io.kontiki.broker.api.PartitionRequests.Route;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.broker.rpc.Budget;
import io.kontiki.kafka.api.FetchSession.Wanted;
import io.kontiki.kafka.convert.Conversions;
import io.kontiki.kafka.convert.OldMessages;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.kafka.wire.StoredRecords;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.FileRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.message.FetchResponseData.EpochEndOffset;
import org.apache.kafka.common.message.FetchResponseData.FetchableTopicResponse;
import org.apache.kafka.common.message.FetchResponseData.LeaderIdAndEpoch;
import org.apache.kafka.common.message.FetchResponseData.NodeEndpoint;
import org.apache.kafka.common.message.FetchResponseData.PartitionData;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/**
 * One fetch: reads all partitions without waiting; if that is too little, looks out for more, and
 * reads again. The last read is made when the answer is due, so that "nothing more" is the word of
 * a leader that holds its lease then (rule R5). On the connection's loop.
 */
final class FetchRound {
  /** Of one answer, but for a first batch that is larger. */
  private static final int MOST_BYTES = 8 << 20;

  /** Of one partition in it. */
  private static final int MOST_PARTITION_BYTES = 1 << 20;

  private static final long MOST_WAIT_MS = 60_000;
  private static final long CROWDED_PAUSE_NANOS = 20_000_000;
  private static final int PARALLEL = 8;
  private static final int FIRST_OF_BATCHES = 4;
  private static final int FIRST_WITH_TIMES = 2;
  private static final int FIRST_WITH_MOST_BYTES = 3;
  private static final int KIP_951_LEADER = 12;
  private static final int KIP_951_ENDPOINT = 16;

  private final DoorServices services;
  private final ClusterView view;
  private final Conversions conversions;
  private final Budget memory;
  private final Call call;
  private final FetchRequestData request;
  private final FetchSession.Plan plan;
  private final FetchSession session;
  private final Arrivals arrivals;
  private final Answer answer;
  private final long deadlineNanos;
  private final FetchResponseData response = new FetchResponseData();

  private final @Nullable FetchAnswer[] answers;

  /** Bytes of the log that an answer was made from, which for old clients are others. */
  private final int[] storedBytes;

  /** Taken for what the answers hold in memory. */
  private long kept;

  private boolean crowded;
  private int next;
  private int open;
  private long room;
  private boolean reading;
  private boolean asking;
  private boolean again;
  private boolean late;
  private boolean over;
  private EventLoop.@Nullable Timer timer;

  FetchRound(
      DoorServices services,
      ClusterView view,
      Conversions conversions,
      Budget memory,
      Call call,
      FetchRequestData request,
      FetchSession.Plan plan,
      FetchSession session,
      Arrivals arrivals,
      Answer answer) {
    this.services = services;
    this.view = view;
    this.conversions = conversions;
    this.memory = memory;
    this.call = call;
    this.request = request;
    this.plan = plan;
    this.session = session;
    this.arrivals = arrivals;
    this.answer = answer;
    this.deadlineNanos = call.deadlineNanos(Math.min(MOST_WAIT_MS, request.maxWaitMs()));
    this.answers = new FetchAnswer[plan.partitions().size()];
    this.storedBytes = new int[answers.length];
  }

  void start() {
    arrivals.tell(this::onArrival);
    call.state().onClosed(this::cancel);
    read();
  }

  /** The connection has ended: nobody waits for the answer. */
  private void cancel() {
    if (!over) {
      end();
      memory.giveBack(kept);
      answer.none();
    }
  }

  private void end() {
    over = true;
    arrivals.tell(() -> {});
    call.state().onClosed(() -> {});
    EventLoop.Timer armed = timer;
    if (armed != null) {
      armed.cancel();
    }
  }

  private void read() {
    reading = true;
    crowded = false;
    memory.giveBack(kept);
    kept = 0;
    Arrays.fill(answers, null);
    again = false;
    next = 0;
    Arrays.fill(storedBytes, 0);
    room =
        call.version() < FIRST_WITH_MOST_BYTES
            ? MOST_BYTES
            : Math.min(MOST_BYTES, Math.max(1, request.maxBytes()));
    askMore();
  }

  /** Some partitions at a time, each with room set aside for what it may bring. */
  private void askMore() {
    if (asking) {
      return;
    }
    asking = true;
    while (next < answers.length && open < PARALLEL && room > 0) {
      int index = next++;
      int bytes = (int) Math.min(room, mostBytes(plan.partitions().get(index)));
      if (!memory.tryTake(bytes)) {
        next--;
        crowded = true;
        room = 0;
        break;
      }
      room -= bytes;
      open++;
      ask(index, plan.partitions().get(index).request.fetchOffset(), bytes);
    }
    asking = false;
    if (open == 0) {
      for (; next < answers.length; next++) {
        answers[next] = null; // no room: another time
      }
      reading = false;
      onRead();
    }
  }

  private static int mostBytes(Wanted wanted) {
    return Math.max(1, Math.min(MOST_PARTITION_BYTES, wanted.request.partitionMaxBytes()));
  }

  private void ask(int index, long offset, int bytes) {
    Wanted wanted = plan.partitions().get(index);
    PartitionId id = id(wanted);
    if (id == null) {
      ErrorReason reason = ErrorReason.TOPIC_NOT_FOUND;
      onAnswer(
          index,
          bytes,
          new FetchAnswer.Failed(ApiError.definite(reason, "no such partition"), null, null));
      return;
    }
    services
        .partitions()
        .fetch(
            new Fetch(
                id,
                wanted.request.currentLeaderEpoch(),
                offset,
                wanted.request.lastFetchedEpoch(),
                bytes,
                0,
                call.loop().clock().nanoTime(),
                Route.LOCAL,
                call.plain() && call.version() >= FIRST_OF_BATCHES),
            read -> CallContext.onLoop(call.loop(), () -> onFetched(index, offset, bytes, read)));
  }

  private void onFetched(int index, long offset, int bytes, FetchAnswer read) {
    storedBytes[index] += bytes(read);
    if (call.version() >= FIRST_OF_BATCHES
        || !(read instanceof FetchAnswer.Fetched fetched)
        || fetched.bytes() == 0) {
      onAnswer(index, bytes, read);
      return;
    }
    byte magic = (byte) (call.version() < FIRST_WITH_TIMES ? 0 : 1);
    conversions.run(
        call.loop(),
        () -> OldMessages.of(fetched.batches(), magic, offset, bytes, conversions.limitBytes()),
        converted -> onConverted(index, bytes, fetched, converted));
  }

  private void onConverted(
      int index, int bytes, FetchAnswer.Fetched fetched, Result<OldMessages.Converted> converted) {
    if (converted instanceof Result.Err<OldMessages.Converted> failed) {
      ApiError error = failed.error();
      onAnswer(
          index,
          bytes,
          new FetchAnswer.Failed(
              error.reason() == ErrorReason.BUSY
                  ? error
                  : ApiError.definite(ErrorReason.CORRUPT_LOG, error.message()),
              null,
              null));
      return;
    }
    OldMessages.Converted messages = ((Result.Ok<OldMessages.Converted>) converted).value();
    if (!messages.records().hasRemaining()) {
      // Nothing that a client may see: it could not pass this place by itself.
      ask(index, messages.nextOffset(), bytes);
      return;
    }
    ByteBuffer records = messages.records();
    onAnswer(
        index,
        bytes,
        new FetchAnswer.Fetched(
            List.of(records),
            records.remaining(),
            messages.nextOffset(),
            fetched.logStartOffset(),
            fetched.highWatermark(),
            fetched.leaderEpoch()));
  }

  private @Nullable PartitionId id(Wanted wanted) {
    FetchSession.Key key = wanted.key;
    return key.topicId().equals(Uuid.ZERO_UUID)
        ? view.partition(key.topic(), key.partition())
        : view.partition(key.topicId(), key.partition());
  }

  private void onAnswer(int index, int reserved, FetchAnswer read) {
    open--;
    if (over) {
      memory.giveBack(reserved);
      return;
    }
    answers[index] = read;
    long held = rangeOf(read) == null ? bytes(read) : 0;
    kept += held;
    memory.giveBack(reserved - held);
    room += reserved - bytes(read);
    askMore();
  }

  private static @Nullable FileRange rangeOf(@Nullable FetchAnswer read) {
    return read instanceof FetchAnswer.Fetched fetched ? fetched.range() : null;
  }

  private static int bytes(@Nullable FetchAnswer read) {
    return read instanceof FetchAnswer.Fetched fetched ? fetched.bytes() : 0;
  }

  private void onRead() {
    if (over) {
      return;
    }
    long bytes = 0;
    boolean due = late || answers.length == 0 && !plan.incremental();
    for (FetchAnswer read : answers) {
      bytes += bytes(read);
      due |= read == null || read instanceof FetchAnswer.Failed || isFull(read);
    }
    long left = deadlineNanos - call.loop().clock().nanoTime();
    if (crowded && bytes == 0 && left > 0) {
      // Nothing that the client could not ask for again at once: it waits here.
      call.loop().schedule(Math.min(left, CROWDED_PAUSE_NANOS), this::onArrival);
      return;
    }
    if (isStale()) {
      read(); // cut or replaced since it was read, by another loop or while others were read
      return;
    }
    if (due || bytes >= request.minBytes() || left <= 0) {
      finish();
      return;
    }
    if (timer == null) {
      timer = call.loop().schedule(left, this::onDeadline);
    }
    if (again) {
      read();
      return;
    }
    reading = true; // what has come already calls back at once
    for (int i = 0; i < answers.length; i++) {
      PartitionId id = id(plan.partitions().get(i));
      if (id != null) {
        arrivals.await(id, plan.partitions().get(i).request.fetchOffset(), storedBytes[i]);
      }
    }
    reading = false;
    if (again) {
      call.loop().execute(this::onArrival);
    }
  }

  private boolean isStale() {
    for (FetchAnswer read : answers) {
      FileRange range = rangeOf(read);
      if (range != null && !range.current()) {
        return true;
      }
    }
    return false;
  }

  /** More is there than the client takes: waiting would bring nothing. */
  private static boolean isFull(FetchAnswer read) {
    return read instanceof FetchAnswer.Fetched fetched
        && fetched.bytes() > 0
        && (fetched.highWatermark() < 0 || fetched.nextOffset() < fetched.highWatermark());
  }

  private void onArrival() {
    if (over) {
      return;
    }
    if (reading) {
      again = true;
    } else {
      read();
    }
  }

  private void onDeadline() {
    late = true;
    onArrival();
  }

  private void finish() {
    end();
    response.setSessionId(plan.sessionId());
    @Nullable FetchableTopicResponse topic = null;
    List<Wanted> served = new ArrayList<>();
    for (int i = 0; i < answers.length; i++) {
      Wanted wanted = plan.partitions().get(i);
      PartitionData data = data(wanted, answers[i]);
      if (!plan.incremental() || isNews(wanted, data)) {
        if (topic == null || !sameTopic(topic, wanted.key)) {
          topic =
              new FetchableTopicResponse()
                  .setTopic(wanted.key.topic())
                  .setTopicId(wanted.key.topicId())
                  .setPartitions(new ArrayList<>());
          response.responses().add(topic);
        }
        topic.partitions().add(data);
      }
      remember(wanted, data);
      if (bytes(answers[i]) > 0) {
        served.add(wanted);
      }
    }
    served.forEach(session::served);
    long holds = kept;
    answer.send(response, () -> memory.giveBack(holds));
  }

  private static boolean sameTopic(FetchableTopicResponse topic, FetchSession.Key key) {
    return topic.topic().equals(key.topic()) && topic.topicId().equals(key.topicId());
  }

  private static boolean isNews(Wanted wanted, PartitionData data) {
    return data.records().sizeInBytes() > 0
        || data.errorCode() != Errors.NONE.code()
        || wanted.toldError
        || data.divergingEpoch().epoch() >= 0
        || (data.highWatermark() >= 0 && data.highWatermark() != wanted.toldHighWatermark)
        || (data.logStartOffset() >= 0 && data.logStartOffset() != wanted.toldLogStart);
  }

  private static void remember(Wanted wanted, PartitionData data) {
    wanted.toldError = data.errorCode() != Errors.NONE.code();
    if (data.highWatermark() >= 0) {
      wanted.toldHighWatermark = data.highWatermark();
    }
    if (data.logStartOffset() >= 0) {
      wanted.toldLogStart = data.logStartOffset();
    }
  }

  private PartitionData data(Wanted wanted, @Nullable FetchAnswer read) {
    PartitionData data =
        new PartitionData()
            .setPartitionIndex(wanted.key.partition())
            .setHighWatermark(-1)
            .setLastStableOffset(-1)
            .setRecords(StoredRecords.NONE);
    if (request.isolationLevel() == 0) {
      data.setAbortedTransactions(null);
    }
    if (read instanceof FetchAnswer.Fetched fetched) {
      data.setHighWatermark(fetched.highWatermark())
          .setLastStableOffset(fetched.highWatermark())
          .setLogStartOffset(fetched.logStartOffset())
          .setRecords(
              fetched.range() == null
                  ? new StoredRecords(fetched.batches())
                  : new StoredRecords(fetched.range()));
    } else if (read instanceof FetchAnswer.Failed failed) {
      fail(wanted, data, failed);
    }
    return data;
  }

  private void fail(Wanted wanted, PartitionData data, FetchAnswer.Failed failed) {
    if (failed.error().reason() == ErrorReason.LOG_TRUNCATED && failed.divergence() != null) {
      data.setDivergingEpoch(
          new EpochEndOffset()
              .setEpoch(failed.divergence().leaderEpoch())
              .setEndOffset(failed.divergence().endOffset()));
      return;
    }
    PartitionId id = id(wanted);
    if (id == null) {
      data.setErrorCode(
          (wanted.key.topicId().equals(Uuid.ZERO_UUID)
                  ? Errors.UNKNOWN_TOPIC_OR_PARTITION
                  : Errors.UNKNOWN_TOPIC_ID)
              .code());
      return;
    }
    Errors code = KafkaErrors.ofRead(failed.error());
    data.setErrorCode(code.code());
    ClusterView.Leader leader = view.leader(id);
    if (leader == null
        || call.version() < KIP_951_LEADER
        || (code != Errors.NOT_LEADER_OR_FOLLOWER && code != Errors.FENCED_LEADER_EPOCH)) {
      return;
    }
    data.setCurrentLeader(
        new LeaderIdAndEpoch().setLeaderId(leader.id()).setLeaderEpoch(leader.epoch()));
    if (call.version() >= KIP_951_ENDPOINT
        && leader.kafka() != null
        && response.nodeEndpoints().find(leader.id()) == null) {
      response
          .nodeEndpoints()
          .add(
              new NodeEndpoint()
                  .setNodeId(leader.id())
                  .setHost(leader.kafka().host())
                  .setPort(leader.kafka().port()));
    }
  }
}
