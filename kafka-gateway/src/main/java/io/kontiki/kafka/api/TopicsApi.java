package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.TopicAdmin;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.MetadataCommand;
import io.kontiki.metadata.TopicImage;
import io.kontiki.metadata.controller.TopicCreation;
import io.kontiki.model.ApiError;
import io.kontiki.model.ErrorReason;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreatePartitionsRequestData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicConfigs;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.message.DeleteTopicsRequestData;
import org.apache.kafka.common.message.DeleteTopicsRequestData.DeleteTopicState;
import org.apache.kafka.common.message.DeleteTopicsResponseData;
import org.apache.kafka.common.message.DeleteTopicsResponseData.DeletableTopicResult;
import org.apache.kafka.common.protocol.Errors;
import org.jspecify.annotations.Nullable;

/** Creates and deletes topics, and adds partitions. */
final class TopicsApi {
  private static final int WITH_TOPIC_IDS = 6;

  private final DoorServices services;
  private final ClusterView view;

  TopicsApi(DoorServices services, ClusterView view) {
    this.services = services;
    this.view = view;
  }

  /** Answers when the leaders serve (rule M21). */
  void create(Call call, CreateTopicsRequestData request, Answer answer) {
    CallContext context = call.within(request.timeoutMs());
    List<CreatableTopic> topics = new ArrayList<>();
    List<String> twice = new ArrayList<>();
    for (CreatableTopic topic : request.topics()) {
      if (request.topics().findAll(topic.name()).size() == 1) {
        topics.add(topic);
      } else if (!twice.contains(topic.name())) {
        twice.add(topic.name());
      }
    }
    CreateTopicsResponseData response = new CreateTopicsResponseData();
    for (String name : twice) {
      response
          .topics()
          .add(
              new CreatableTopicResult()
                  .setName(name)
                  .setErrorCode(Errors.INVALID_REQUEST.code())
                  .setErrorMessage("'" + name + "' is named twice"));
    }
    Gather.all(
        call.loop(),
        topics.size(),
        i -> new CreatableTopicResult(),
        (i, done) -> create(context, topics.get(i), request.validateOnly(), done),
        results -> {
          response.topics().addAll(results);
          answer.send(response);
        });
  }

  private void create(
      CallContext call,
      CreatableTopic topic,
      boolean validateOnly,
      Completion<CreatableTopicResult> done) {
    Map<String, @Nullable String> asked = new TreeMap<>();
    topic.configs().forEach(config -> asked.put(config.name(), config.value()));
    Result<Map<String, String>> settings = KafkaSettings.ours(asked);
    ApiError refusal = settings.fold(ok -> null, error -> error);
    List<List<Integer>> named = named(topic);
    if (refusal == null && !topic.assignments().isEmpty()) {
      refusal = misnamed(topic, named.size());
    }
    if (refusal != null) {
      done.complete(failed(topic.name(), refusal));
      return;
    }
    TopicCreation.Request request =
        new TopicCreation.Request(
            topic.name(),
            topic.numPartitions() == -1 ? null : topic.numPartitions(),
            topic.replicationFactor() == -1 ? null : (int) topic.replicationFactor(),
            settings.fold(ok -> ok, error -> Map.of()),
            named);
    if (validateOnly) {
      services
          .admin()
          .topics()
          .validate(
              call,
              request,
              decided ->
                  done.complete(
                      decided.fold(TopicsApi::possible, error -> failed(topic.name(), error))));
    } else {
      services
          .admin()
          .topics()
          .create(
              call,
              request,
              created -> {
                if (created instanceof Result.Ok<TopicAdmin.Created> ok) {
                  tell(call, ok.value(), done);
                } else {
                  done.complete(
                      failed(topic.name(), ((Result.Err<TopicAdmin.Created>) created).error()));
                }
              });
    }
  }

  /** Brokers by partition, if the client names them; of partitions from 0 on without a gap. */
  private static List<List<Integer>> named(CreatableTopic topic) {
    List<List<Integer>> named = new ArrayList<>();
    CreatableReplicaAssignment next;
    while ((next = topic.assignments().find(named.size())) != null) {
      named.add(List.copyOf(next.brokerIds()));
    }
    return named;
  }

  private static @Nullable ApiError misnamed(CreatableTopic topic, int partitions) {
    if (topic.numPartitions() != -1 || topic.replicationFactor() != -1) {
      return ApiError.definite(
          ErrorReason.INVALID_FIELD,
          "where replicas are assigned, partitions and replication factor must be -1, not "
              + topic.numPartitions()
              + " and "
              + topic.replicationFactor());
    }
    return partitions == topic.assignments().size()
        ? null
        : ApiError.definite(
                ErrorReason.INVALID_FIELD,
                "replicas must be assigned to partitions 0 to "
                    + (topic.assignments().size() - 1)
                    + "; there are none of "
                    + partitions)
            .with("field", "replicas");
  }

  private static CreatableTopicResult possible(MetadataCommand.CreateTopic command) {
    return new CreatableTopicResult()
        .setName(command.name())
        .setTopicId(Uuid.ZERO_UUID)
        .setNumPartitions(command.assignments().size())
        .setReplicationFactor((short) command.assignments().get(0).size());
  }

  private void tell(
      CallContext call, TopicAdmin.Created created, Completion<CreatableTopicResult> done) {
    TopicImage topic = created.topic();
    CreatableTopicResult result =
        new CreatableTopicResult()
            .setName(topic.name())
            .setTopicId(ClusterView.uuid(topic.id()))
            .setNumPartitions(topic.partitions().size())
            .setReplicationFactor((short) topic.replicationFactor());
    services
        .admin()
        .configs()
        .ofTopic(
            call,
            topic.name(),
            lines -> {
              List<CreatableTopicConfigs> configs = new ArrayList<>();
              for (ConfigLine line :
                  KafkaSettings.lines(lines.fold(ok -> ok, error -> List.of()))) {
                configs.add(
                    new CreatableTopicConfigs()
                        .setName(line.key())
                        .setValue(line.value())
                        .setConfigSource(ConfigText.source(line.origin())));
              }
              done.complete(result.setConfigs(configs));
            });
  }

  private static CreatableTopicResult failed(String name, ApiError error) {
    return new CreatableTopicResult()
        .setName(name)
        .setTopicId(Uuid.ZERO_UUID)
        .setErrorCode(KafkaErrors.of(error).code())
        .setErrorMessage(error.message())
        .setNumPartitions(-1)
        .setReplicationFactor((short) -1);
  }

  /** By name, or from version 6 on also by id. */
  void delete(Call call, DeleteTopicsRequestData request, Answer answer) {
    CallContext context = call.within(request.timeoutMs());
    List<DeleteTopicState> topics = new ArrayList<>();
    if (call.version() >= WITH_TOPIC_IDS) {
      topics.addAll(request.topics());
    } else {
      request.topicNames().forEach(name -> topics.add(new DeleteTopicState().setName(name)));
    }
    Gather.all(
        call.loop(),
        topics.size(),
        i -> new DeletableTopicResult(),
        (i, done) -> delete(context, topics.get(i), done),
        results -> {
          DeleteTopicsResponseData response = new DeleteTopicsResponseData();
          response.responses().addAll(results);
          answer.send(response);
        });
  }

  private void delete(
      CallContext call, DeleteTopicState wanted, Completion<DeletableTopicResult> done) {
    Uuid id = wanted.topicId();
    boolean byId = wanted.name() == null;
    TopicImage topic =
        byId
            ? view.image().topics().get(ClusterView.topicId(id))
            : view.image().topic(wanted.name());
    if (byId && topic == null) {
      done.complete(
          new DeletableTopicResult()
              .setName(null)
              .setTopicId(id)
              .setErrorCode(Errors.UNKNOWN_TOPIC_ID.code()));
      return;
    }
    String name = topic == null ? wanted.name() : topic.name();
    services
        .admin()
        .topics()
        .delete(
            call,
            name,
            byId ? ClusterView.topicId(id).toString() : "",
            deleted -> {
              DeletableTopicResult result =
                  new DeletableTopicResult()
                      .setName(name)
                      .setTopicId(topic == null ? id : ClusterView.uuid(topic.id()));
              if (deleted instanceof Result.Err<Long> failed) {
                result
                    .setErrorCode(KafkaErrors.of(failed.error()).code())
                    .setErrorMessage(failed.error().message());
              }
              done.complete(result);
            });
  }

  /** More partitions; Kafka refuses as many as there are. */
  void addPartitions(Call call, CreatePartitionsRequestData request, Answer answer) {
    CallContext context = call.within(request.timeoutMs());
    List<CreatePartitionsTopic> topics = new ArrayList<>(request.topics());
    Gather.all(
        call.loop(),
        topics.size(),
        i -> new CreatePartitionsTopicResult(),
        (i, done) -> addPartitions(context, topics.get(i), request.validateOnly(), done),
        results -> answer.send(new CreatePartitionsResponseData().setResults(results)));
  }

  private void addPartitions(
      CallContext call,
      CreatePartitionsTopic topic,
      boolean validateOnly,
      Completion<CreatePartitionsTopicResult> done) {
    TopicImage known = view.image().topic(topic.name());
    ApiError refusal = null;
    List<List<Integer>> named = new ArrayList<>();
    if (topic.assignments() != null) {
      topic.assignments().forEach(one -> named.add(List.copyOf(one.brokerIds())));
    }
    if (known != null && known.partitions().size() == topic.count()) {
      refusal =
          ApiError.definite(
              ErrorReason.TOO_FEW_PARTITIONS,
              "topic '" + topic.name() + "' has " + topic.count() + " partitions already");
    }
    if (refusal != null) {
      done.complete(added(topic.name(), refusal));
    } else if (validateOnly) {
      services
          .admin()
          .changes()
          .validateAddPartitions(
              call,
              topic.name(),
              topic.count(),
              named,
              result -> done.complete(added(topic.name(), result.fold(ok -> null, e -> e))));
    } else {
      services
          .admin()
          .changes()
          .addPartitions(
              call,
              topic.name(),
              topic.count(),
              named,
              result -> done.complete(added(topic.name(), result.fold(ok -> null, e -> e))));
    }
  }

  private static CreatePartitionsTopicResult added(String name, @Nullable ApiError error) {
    CreatePartitionsTopicResult result = new CreatePartitionsTopicResult().setName(name);
    return error == null
        ? result
        : result.setErrorCode(KafkaErrors.of(error).code()).setErrorMessage(error.message());
  }
}
