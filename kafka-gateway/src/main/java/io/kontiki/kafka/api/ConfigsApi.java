package io.kontiki.kafka.api;

import io.kontiki.broker.api.CallContext;
import io.kontiki.broker.api.Gather;
import io.kontiki.broker.api.NodeReports.ConfigLine;
import io.kontiki.broker.api.Refusals;
import io.kontiki.broker.api.TopicLookup;
import io.kontiki.broker.door.DoorServices;
import io.kontiki.kafka.wire.Answer;
import io.kontiki.kafka.wire.Call;
import io.kontiki.metadata.TopicImage;
import io.kontiki.model.ApiError;
import io.kontiki.model.Result;
import io.kontiki.runtime.Completion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.AlterConfigsRequestData;
import org.apache.kafka.common.message.AlterConfigsResponseData;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsRequestData.DescribeConfigsResource;
import org.apache.kafka.common.message.DescribeConfigsResponseData;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResourceResult;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsResult;
import org.apache.kafka.common.message.DescribeConfigsResponseData.DescribeConfigsSynonym;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData;
import org.apache.kafka.common.message.IncrementalAlterConfigsRequestData.AlterableConfig;
import org.apache.kafka.common.message.IncrementalAlterConfigsResponseData;
import org.jspecify.annotations.Nullable;

/** Settings of topics, which may be changed, and configurations of brokers, which may not. */
final class ConfigsApi {
  private final DoorServices services;
  private final TopicLookup lookup;

  ConfigsApi(DoorServices services) {
    this.services = services;
    this.lookup = new TopicLookup(services.metadata());
  }

  void describe(Call call, DescribeConfigsRequestData request, Answer answer) {
    CallContext context = call.unbounded();
    Gather.all(
        call.loop(),
        request.resources().size(),
        i -> new DescribeConfigsResult(),
        (i, done) -> describe(call, context, request, request.resources().get(i), done),
        results -> answer.send(new DescribeConfigsResponseData().setResults(results)));
  }

  private void describe(
      Call call,
      CallContext context,
      DescribeConfigsRequestData request,
      DescribeConfigsResource resource,
      Completion<DescribeConfigsResult> done) {
    DescribeConfigsResult result =
        new DescribeConfigsResult()
            .setResourceType(resource.resourceType())
            .setResourceName(resource.resourceName());
    Completion<Result<List<ConfigLine>>> onLines =
        lines -> done.complete(told(call, request, resource, result, lines));
    ConfigResource.Type type = ConfigResource.Type.forId(resource.resourceType());
    if (type == ConfigResource.Type.TOPIC) {
      services
          .admin()
          .configs()
          .ofTopic(
              context,
              resource.resourceName(),
              lines -> onLines.complete(lines.map(KafkaSettings::lines)));
      return;
    }
    Integer broker = type == ConfigResource.Type.BROKER ? number(resource.resourceName()) : null;
    if (broker != null) {
      services.admin().configs().ofBroker(context, broker, onLines);
    } else if (type == ConfigResource.Type.BROKER && resource.resourceName().isEmpty()) {
      onLines.complete(Result.ok(List.of())); // what is set for all brokers at once: nothing
    } else {
      onLines.complete(
          Result.error(
              Refusals.invalidField(
                  "resource",
                  type + " '" + resource.resourceName() + "' has no configuration here")));
    }
  }

  private static @Nullable Integer number(String text) {
    try {
      return Integer.valueOf(text);
    } catch (NumberFormatException e) {
      return null;
    }
  }

  private static DescribeConfigsResult told(
      Call call,
      DescribeConfigsRequestData request,
      DescribeConfigsResource resource,
      DescribeConfigsResult result,
      Result<List<ConfigLine>> lines) {
    if (lines instanceof Result.Err<List<ConfigLine>> failed) {
      return result
          .setErrorCode(KafkaErrors.of(failed.error()).code())
          .setErrorMessage(failed.error().message());
    }
    boolean topic = resource.resourceType() == ConfigResource.Type.TOPIC.id();
    List<String> keys = resource.configurationKeys();
    for (ConfigLine line : ((Result.Ok<List<ConfigLine>>) lines).value()) {
      if (keys != null && !keys.contains(line.key())) {
        continue;
      }
      byte source = ConfigText.source(line.origin());
      DescribeConfigsResourceResult one =
          new DescribeConfigsResourceResult()
              .setName(line.key())
              .setValue(line.value())
              .setReadOnly(!topic)
              .setConfigSource(source)
              .setConfigType(ConfigText.type(line));
      if (call.version() == 0) {
        one.setIsDefault(!KafkaSettings.isSet(line));
      }
      if (request.includeDocumentation()) {
        one.setDocumentation(line.description());
      }
      if (request.includeSynonyms()) {
        one.setSynonyms(
            List.of(
                new DescribeConfigsSynonym()
                    .setName(line.key())
                    .setValue(line.value())
                    .setSource(source)));
      }
      result.configs().add(one);
    }
    return result;
  }

  /** Some settings change, the others stay. */
  void alter(Call call, IncrementalAlterConfigsRequestData request, Answer answer) {
    CallContext context = call.unbounded();
    List<IncrementalAlterConfigsRequestData.AlterConfigsResource> resources =
        new ArrayList<>(request.resources());
    Gather.all(
        call.loop(),
        resources.size(),
        i -> new IncrementalAlterConfigsResponseData.AlterConfigsResourceResponse(),
        (i, done) -> {
          IncrementalAlterConfigsRequestData.AlterConfigsResource resource = resources.get(i);
          alter(
              context,
              resource.resourceType(),
              resource.resourceName(),
              request.validateOnly(),
              topic -> changes(topic, resource),
              error -> {
                var result =
                    new IncrementalAlterConfigsResponseData.AlterConfigsResourceResponse()
                        .setResourceType(resource.resourceType())
                        .setResourceName(resource.resourceName());
                if (error != null) {
                  result.setErrorCode(code(error)).setErrorMessage(error.message());
                }
                done.complete(result);
              });
        },
        results -> answer.send(new IncrementalAlterConfigsResponseData().setResponses(results)));
  }

  /** All settings of a topic are to be these. */
  void replace(Call call, AlterConfigsRequestData request, Answer answer) {
    CallContext context = call.unbounded();
    List<AlterConfigsRequestData.AlterConfigsResource> resources =
        new ArrayList<>(request.resources());
    Gather.all(
        call.loop(),
        resources.size(),
        i -> new AlterConfigsResponseData.AlterConfigsResourceResponse(),
        (i, done) -> {
          AlterConfigsRequestData.AlterConfigsResource resource = resources.get(i);
          alter(
              context,
              resource.resourceType(),
              resource.resourceName(),
              request.validateOnly(),
              topic -> {
                Map<String, @Nullable String> values = new TreeMap<>();
                resource.configs().forEach(config -> values.put(config.name(), config.value()));
                return KafkaSettings.ours(values)
                    .map(set -> new Changes(set, KafkaSettings.dropped(topic, set)));
              },
              error -> {
                var result =
                    new AlterConfigsResponseData.AlterConfigsResourceResponse()
                        .setResourceType(resource.resourceType())
                        .setResourceName(resource.resourceName());
                if (error != null) {
                  result.setErrorCode(code(error)).setErrorMessage(error.message());
                }
                done.complete(result);
              });
        },
        results -> answer.send(new AlterConfigsResponseData().setResponses(results)));
  }

  private static short code(ApiError error) {
    return KafkaErrors.of(error).code();
  }

  private record Changes(Map<String, String> set, List<String> reset) {}

  /** Tells what a request means for a topic as it is. */
  private interface Reading {
    Result<Changes> of(TopicImage topic);
  }

  private void alter(
      CallContext call,
      byte type,
      String name,
      boolean validateOnly,
      Reading reading,
      Completion<@Nullable ApiError> done) {
    if (type != ConfigResource.Type.TOPIC.id()) {
      done.complete(
          Refusals.invalidField(
              "resource",
              ConfigResource.Type.forId(type)
                  + " '"
                  + name
                  + "': only settings of topics can be changed while brokers run"));
      return;
    }
    lookup.topic(
        call,
        name,
        found -> {
          Result<Changes> changes = found.fold(reading::of, Result::error);
          if (changes instanceof Result.Err<Changes> failed) {
            done.complete(failed.error());
            return;
          }
          Changes wanted = ((Result.Ok<Changes>) changes).value();
          if (validateOnly) {
            services
                .admin()
                .changes()
                .validateAlter(
                    call,
                    name,
                    wanted.set(),
                    wanted.reset(),
                    result -> done.complete(result.fold(ok -> null, error -> error)));
          } else {
            services
                .admin()
                .changes()
                .alter(
                    call,
                    name,
                    wanted.set(),
                    wanted.reset(),
                    result -> done.complete(result.fold(ok -> null, error -> error)));
          }
        });
  }

  private static Result<Changes> changes(
      TopicImage topic, IncrementalAlterConfigsRequestData.AlterConfigsResource resource) {
    Map<String, @Nullable String> set = new TreeMap<>();
    List<String> reset = new ArrayList<>();
    for (AlterableConfig config : resource.configs()) {
      AlterConfigOp.OpType operation = AlterConfigOp.OpType.forId(config.configOperation());
      if (operation == null) {
        return Result.error(
            Refusals.invalidField(
                "config_operation", config.configOperation() + " of " + config.name()));
      }
      switch (operation) {
        case SET -> set.put(config.name(), config.value());
        case DELETE -> {
          if (KafkaSettings.ours(config.name()).equals(KafkaSettings.DURABILITY)) {
            set.put(KafkaSettings.DURABILITY, ""); // refused with the reason (rule R36)
          } else {
            reset.add(config.name());
          }
        }
        case APPEND, SUBTRACT -> {
          String now = topic.config().getOrDefault(config.name(), "delete");
          if (!config.name().equals("cleanup.policy") || config.value() == null) {
            return Result.error(
                Refusals.invalidField(
                    "config_operation", operation + " to " + config.name() + ", which is no list"));
          }
          Set<String> words = new LinkedHashSet<>(Arrays.asList(now.split(",")));
          List<String> change = Arrays.asList(config.value().split(","));
          if (operation == AlterConfigOp.OpType.APPEND) {
            words.addAll(change);
          } else {
            words.removeAll(Set.copyOf(change));
          }
          set.put(config.name(), String.join(",", words));
        }
      }
    }
    return KafkaSettings.ours(set).map(ours -> new Changes(ours, reset));
  }
}
