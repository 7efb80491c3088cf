package io.kontiki.broker.coordinator;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Metadata;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.coordinator.LinkEvent.Reply;
import io.kontiki.broker.group.GroupLine;
import io.kontiki.broker.group.GroupReport;
import io.kontiki.broker.group.Groups;
import io.kontiki.broker.group.MemberListener;
import io.kontiki.broker.group.Membership;
import io.kontiki.group.CommittedOffset;
import io.kontiki.group.GroupAnswer;
import io.kontiki.group.GroupCommand;
import io.kontiki.group.MemberDetails;
import io.kontiki.metadata.ClusterImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.PartitionId;
import io.kontiki.model.Result;
import io.kontiki.model.Uid;
import io.kontiki.runtime.Completion;
import io.kontiki.runtime.EventLoop;
import io.kontiki.runtime.RandomSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * {@link Groups} over links to the coordinators. Calls come from any loop; everything inside
 * belongs to the control loop.
 */
public final class LinkedGroups implements Groups {
  private static final long RETRY_NANOS = 50_000_000;

  private final EventLoop loop;
  private final CoordinatorTiming timing;
  private final Metadata metadata;
  private final RandomSource random;
  private final ShardClient.Broker broker;
  private final LinkDialler dialler;
  private final TreeMap<Integer, ShardClient> shards = new TreeMap<>();
  private boolean closed;

  /**
   * @param brokerEpoch of this process, or -1; any thread
   * @param leaseHeld whether this broker may do group work (rule R5); any thread
   */
  public LinkedGroups(
      int brokerId,
      EventLoop control,
      CoordinatorTiming timing,
      Metadata metadata,
      RandomSource random,
      LongSupplier brokerEpoch,
      BooleanSupplier leaseHeld,
      LinkDialler dialler) {
    this.loop = control;
    this.timing = timing;
    this.metadata = metadata;
    this.random = random;
    this.broker = new ShardClient.Broker(brokerId, brokerEpoch, leaseHeld);
    this.dialler = dialler;
  }

  /** Ends all links without a word: the members' sessions run. On the control loop. */
  public void close() {
    closed = true;
    shards.values().forEach(ShardClient::close);
  }

  /** Null: the cluster has not formed yet, as far as this node knows. */
  private @Nullable ShardClient shard(String group) {
    int count = metadata.image().groupShards();
    return count == 0 ? null : shard(Shards.of(group, count));
  }

  private ShardClient shard(int shard) {
    return shards.computeIfAbsent(
        shard,
        number -> {
          ShardClient fresh = new ShardClient(number, broker, loop, timing, metadata, dialler);
          if (closed) {
            fresh.close();
          }
          return fresh;
        });
  }

  // Members

  @Override
  public Membership join(
      CallContext call,
      String group,
      String memberId,
      String memberName,
      MemberDetails details,
      MemberListener listener) {
    LinkedMember member =
        new LinkedMember(call, loop, metadata::image, group, memberName, listener);
    String newMemberId = new Uid(random.nextLong(), random.nextLong()).toString();
    loop.execute(() -> new Join(call, member, newMemberId, memberId, memberName, details).begin());
    return member;
  }

  /** A join, until it is answered. */
  private final class Join extends LinkCall {
    private final CallContext call;
    private final LinkedMember member;
    private final String newMemberId;
    private final String memberId;
    private final String memberName;
    private final MemberDetails details;
    private @Nullable ShardClient client;
    private EventLoop.@Nullable Timer timer;

    Join(
        CallContext call,
        LinkedMember member,
        String newMemberId,
        String memberId,
        String memberName,
        MemberDetails details) {
      this.call = call;
      this.member = member;
      this.newMemberId = newMemberId;
      this.memberId = memberId;
      this.memberName = memberName;
      this.details = details;
    }

    void begin() {
      timer = loop.schedule(Math.max(0, call.leftNanos()), this::late);
      if (missing(metadata.image()) == null) {
        send();
        return;
      }
      // An old image lacks new topics: only the quorum knows that one is not there.
      metadata.readLatest(
          call.answerByNanos(),
          read -> {
            if (over || member.over()) {
              return;
            }
            ClusterImage image = read.fold(found -> found, error -> null);
            String missing = image == null ? null : missing(image);
            if (image == null) {
              end(read.fold(found -> null, error -> error));
            } else if (missing != null) {
              end(Refusals.topicNotFound(missing));
            } else {
              send();
            }
          });
    }

    private @Nullable String missing(ClusterImage image) {
      for (String topic : details.topics()) {
        if (image.topic(topic) == null) {
          return topic;
        }
      }
      return null;
    }

    private void end(@Nullable ApiError error) {
      over = true;
      if (timer != null) {
        timer.cancel();
      }
      member.end(error == null ? Coordinator.unavailable("no answer") : error);
    }

    private void send() {
      if (over || member.over()) {
        return;
      }
      ShardClient found = shard(member.group());
      if (found == null) {
        loop.schedule(RETRY_NANOS, this::send);
        return;
      }
      client = found;
      LinkedMember before = memberId.isEmpty() ? null : found.find(member.group(), memberId);
      if (before != null) {
        before.end(Coordinator.replaced(memberId)); // the newer stream counts, here as elsewhere
      }
      if (!found.add(this)) {
        end(
            Coordinator.unavailable(
                "this broker has too many requests that wait for coordinators"));
      }
    }

    /** If it is applied nevertheless, the member leaves as soon as that is heard. */
    private void late() {
      member.end(
          Coordinator.unavailable(
              "the coordinator of group " + member.group() + " did not answer in time"));
      if (client == null) {
        over = true;
      }
    }

    @Override
    boolean again() {
      return !over && !member.over();
    }

    @Override
    LinkRequest request(long id) {
      return new LinkRequest.Join(
          id, member.group(), newMemberId, memberId, memberName, details, metadata.image().index());
    }

    @Override
    void answered(Reply reply) {
      over = true;
      if (timer != null) {
        timer.cancel();
      }
      ShardClient found = client;
      Result<GroupAnswer> result = LinkedMember.result(reply, 0);
      if (result instanceof Result.Ok<GroupAnswer> ok
          && ok.value() instanceof GroupAnswer.Joined joined
          && found != null) {
        if (!member.over()) {
          member.joined(found, joined.member());
        } else if (memberName.isEmpty()) {
          found.add(
              new Command(
                  new GroupCommand.LeaveGroup(
                      loop.clock().wallMs(),
                      member.group(),
                      joined.member().id(),
                      joined.member().epoch()),
                  end -> {}));
        } else {
          found.abandon(member.group(), joined.member().id());
        }
      } else {
        member.end(
            result.fold(
                ok -> Coordinator.unavailable("the coordinator's answer is not one to a join"),
                error -> error));
      }
    }
  }

  // Commands and reads

  /** A call's request: ends with an answer, or at the end of the call's time. */
  private abstract class Call<T> extends LinkCall {
    private final CallContext call;
    private final Completion<Result<T>> completion;
    private EventLoop.@Nullable Timer timer;

    Call(CallContext call, Completion<Result<T>> completion) {
      this.call = call;
      this.completion = call.home(completion);
    }

    void begin(Function<Call<T>, @Nullable ShardClient> target) {
      timer = loop.schedule(Math.max(0, call.leftNanos()), this::late);
      send(target);
    }

    private void send(Function<Call<T>, @Nullable ShardClient> target) {
      if (over) {
        return;
      }
      ShardClient client = target.apply(this);
      if (client == null) {
        loop.schedule(RETRY_NANOS, () -> send(target));
      } else if (!client.add(this)) {
        end(
            Result.error(
                ApiError.retriable(
                    ErrorReason.BUSY,
                    "this broker has too many requests that wait for coordinators",
                    100)));
      }
    }

    boolean changes() {
      return false;
    }

    private void late() {
      end(
          Result.error(
              open && changes()
                  ? ApiError.indefinite(
                      ErrorReason.OUTCOME_UNKNOWN,
                      "the coordinator did not answer in time; the change may be applied")
                  : Coordinator.unavailable("no coordinator has answered in time")));
    }

    void end(Result<T> result) {
      if (!over) {
        over = true;
        if (timer != null) {
          timer.cancel();
        }
        completion.complete(result);
      }
    }

    /** Null: it is no answer to this. */
    abstract @Nullable T value(Reply reply);

    @Override
    void answered(Reply reply) {
      T value = value(reply);
      if (value != null) {
        end(Result.ok(value));
      } else {
        end(
            Result.error(
                reply instanceof Reply.Failed failed
                    ? failed.error()
                    : ApiError.indefinite(
                        ErrorReason.INTERNAL, "the coordinator's answer is not one to this")));
      }
    }
  }

  /** A command without a call: nobody waits for it. */
  private static final class Command extends LinkCall {
    private final GroupCommand command;
    private final Consumer<Reply> end;

    Command(GroupCommand command, Consumer<Reply> end) {
      this.command = command;
      this.end = end;
    }

    @Override
    LinkRequest request(long id) {
      return new LinkRequest.Submit(id, List.of(command));
    }

    @Override
    void answered(Reply reply) {
      over = true;
      end.accept(reply);
    }
  }

  @Override
  public void submit(
      CallContext call, GroupCommand command, Completion<Result<GroupAnswer>> completion) {
    String group = groupOf(command);
    loop.execute(
        () ->
            new Call<GroupAnswer>(call, completion) {
              @Override
              LinkRequest request(long id) {
                return new LinkRequest.Submit(id, List.of(command));
              }

              @Override
              boolean changes() {
                return true;
              }

              @Override
              @Nullable GroupAnswer value(Reply reply) {
                if (reply instanceof Reply.Answers answers && answers.answers().size() == 1) {
                  return repeated(open, command, answers.answers().get(0));
                }
                return null;
              }
            }.begin(ignored -> shard(group)));
  }

  /** What an earlier attempt has deleted is not there any more. */
  private static GroupAnswer repeated(boolean open, GroupCommand command, GroupAnswer answer) {
    boolean done =
        open
            && command instanceof GroupCommand.DeleteGroup
            && answer instanceof GroupAnswer.Rejected rejected
            && rejected.error().reason() == ErrorReason.GROUP_NOT_FOUND;
    return done ? new GroupAnswer.Done() : answer;
  }

  private static String groupOf(GroupCommand command) {
    if (command instanceof GroupCommand.CommitOffsets commit) {
      return commit.group();
    } else if (command instanceof GroupCommand.ResetOffsets reset) {
      return reset.group();
    } else if (command instanceof GroupCommand.DeleteOffsets delete) {
      return delete.group();
    } else if (command instanceof GroupCommand.DeleteGroup delete) {
      return delete.group();
    } else if (command instanceof GroupCommand.LeaveGroup leave) {
      return leave.group();
    }
    throw new IllegalArgumentException(command + " is no command of a call");
  }

  @Override
  public void offsets(
      CallContext call,
      String group,
      SortedSet<PartitionId> partitions,
      Completion<Result<SortedMap<PartitionId, CommittedOffset>>> completion) {
    loop.execute(
        () ->
            new Call<SortedMap<PartitionId, CommittedOffset>>(call, completion) {
              @Override
              LinkRequest request(long id) {
                return new LinkRequest.Offsets(id, group, partitions);
              }

              @Override
              @Nullable SortedMap<PartitionId, CommittedOffset> value(Reply reply) {
                return reply instanceof Reply.Committed committed ? committed.offsets() : null;
              }
            }.begin(ignored -> shard(group)));
  }

  @Override
  public void describe(CallContext call, String group, Completion<Result<GroupReport>> completion) {
    loop.execute(
        () ->
            new Call<GroupReport>(call, completion) {
              @Override
              LinkRequest request(long id) {
                return new LinkRequest.Describe(id, group);
              }

              @Override
              @Nullable GroupReport value(Reply reply) {
                return reply instanceof Reply.Described described ? described.report() : null;
              }
            }.begin(ignored -> shard(group)));
  }

  /**
   * The node that coordinates a group.
   *
   * @param completion COORDINATOR_UNAVAILABLE if nobody has answered in the call's time
   */
  public void coordinator(CallContext call, String group, Completion<Result<Integer>> completion) {
    loop.execute(
        () -> {
          int shards = metadata.image().groupShards();
          int known = shards == 0 ? -1 : dialler.leader(Shards.of(group, shards));
          if (known >= 0) {
            call.home(completion).complete(Result.ok(known));
            return;
          }
          new Call<Integer>(call, completion) {
            @Override
            LinkRequest request(long id) {
              return new LinkRequest.Offsets(id, group, Collections.emptySortedSet());
            }

            @Override
            @Nullable Integer value(Reply reply) {
              ShardClient client = shard(group);
              return client != null && reply instanceof Reply.Committed ? client.node() : null;
            }
          }.begin(ignored -> shard(group));
        });
  }

  @Override
  public void list(CallContext call, Completion<Result<List<GroupLine>>> completion) {
    loop.execute(() -> listFrom(call, 0, new ArrayList<>(), completion));
  }

  /** Shard after shard; there are few. */
  private void listFrom(
      CallContext call,
      int first,
      List<GroupLine> found,
      Completion<Result<List<GroupLine>>> completion) {
    new Call<List<GroupLine>>(
        call,
        listed -> {
          if (listed instanceof Result.Ok<List<GroupLine>> ok) {
            found.addAll(ok.value());
            if (first + 1 < metadata.image().groupShards()) {
              loop.execute(() -> listFrom(call, first + 1, found, completion));
            } else {
              found.sort(Comparator.comparing(GroupLine::group));
              completion.complete(Result.ok(List.copyOf(found)));
            }
          } else {
            completion.complete(listed);
          }
        }) {
      @Override
      LinkRequest request(long id) {
        return new LinkRequest.ListGroups(id);
      }

      @Override
      @Nullable List<GroupLine> value(Reply reply) {
        return reply instanceof Reply.Listed listed ? listed.groups() : null;
      }
    }.begin(ignored -> metadata.image().groupShards() == 0 ? null : shard(first));
  }
}
