package io.kontiki.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.time.Instant;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.NullMarked;

/**
 * Purity and direction. A rule whose subject matches no class fails, so a package that is renamed
 * cannot slip out of its rule unseen.
 */
@AnalyzeClasses(packages = "io.kontiki", importOptions = ImportOption.DoNotIncludeTests.class)
final class ArchitectureTest {
  /** What must be right, and therefore runs in a simulator as well as in the server. */
  private static final String[] CORES = {
    "io.kontiki.model..",
    "io.kontiki.record..",
    "io.kontiki.log..",
    "io.kontiki.replication..",
    "io.kontiki.metadata",
    "io.kontiki.metadata.controller..",
    "io.kontiki.group",
    "io.kontiki.group.assign..",
    "io.kontiki.broker.api..",
    "io.kontiki.broker.coordinator..",
    "io.kontiki.broker.group..",
    "io.kontiki.broker.partition..",
    "io.kontiki.broker.session..",
    "io.kontiki.raft",
    "io.kontiki.chaos.history",
  };

  private static final String[] GENERATED = {
    "io.kontiki.v1..", "io.kontiki.raw.v1..", "io.kontiki.internal.v1.."
  };

  /** Where messages become values, and values messages. */
  private static final String[] EDGES = {
    "io.kontiki.proto..",
    "io.kontiki..rpc..",
    "io.kontiki..codec..",
    "io.kontiki.broker.replication..",
    "io.kontiki.broker.forward..",
    "io.kontiki.broker.quorum..",
    "io.kontiki.broker.shards..",
    "io.kontiki.broker.http..",
    "io.kontiki.client..",
    "io.kontiki.cli..",
    "io.kontiki.raft.jraft..",
  };

  private static final DescribedPredicate<JavaClass> GENERATED_CODE =
      resideInAnyPackage(GENERATED).as("generated code");

  @ArchTest
  static final ArchRule coresHaveNoThreadsSocketsFilesOrMessages =
      noClasses()
          .that()
          .resideInAnyPackage(CORES)
          .should()
          .dependOnClassesThat(
              resideInAnyPackage(
                      "java.util.concurrent..",
                      "java.net..",
                      "java.nio.file..",
                      "java.nio.channels..",
                      "io.netty..",
                      "io.grpc..",
                      "com.google.protobuf..",
                      "com.alipay..")
                  .or(GENERATED_CODE)
                  .or(describe("Thread", type -> type.isEquivalentTo(Thread.class))))
          .because("a core takes events and returns actions, under a simulator as in the server");

  @ArchTest
  static final ArchRule coresDoNotKnowShells =
      noClasses()
          .that()
          .resideInAnyPackage(CORES)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.kontiki.runtime.system..",
              "io.kontiki.runtime.memory..",
              "io.kontiki.raft.jraft..",
              "io.kontiki.raft.memory..",
              "io.kontiki.proto..",
              "io.kontiki.client..",
              "io.kontiki.cli..",
              "io.kontiki.broker",
              "io.kontiki.broker.rpc..",
              "io.kontiki.broker.replication..",
              "io.kontiki.broker.forward..",
              "io.kontiki.broker.quorum..",
              "io.kontiki.broker.shards..",
              "io.kontiki.broker.loop..",
              "io.kontiki.broker.http..",
              "io.kontiki.broker.door..",
              "io.kontiki.broker.metrics..");

  @ArchTest
  static final ArchRule onlyTheAdapterKnowsJRaft =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.kontiki.raft.jraft..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("com.alipay..");

  @ArchTest
  static final ArchRule onlyTheGatewayKnowsKafka =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.kontiki.kafka..",
              // clients, of which no server knows
              "io.kontiki.chaos.run.kafka..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.kafka..", "io.kontiki.kafka..");

  @ArchTest
  static final ArchRule theGatewayReachesTheLogThroughTheRequestPath =
      noClasses()
          .that()
          .resideInAPackage("io.kontiki.kafka..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.kontiki.log..",
              "io.kontiki.replication..",
              "io.kontiki.raft.jraft..",
              "io.kontiki.broker",
              "io.kontiki.broker.partition..",
              "io.kontiki.broker.replicas..",
              "io.kontiki.broker.quorum..",
              "io.grpc..")
          .because("there is one way to a partition, whatever the protocol");

  @ArchTest
  static final ArchRule theLogDoesNotKnowTheMetadata =
      noClasses()
          .that()
          .resideInAnyPackage("io.kontiki.log..", "io.kontiki.replication..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.kontiki.raft..", "io.kontiki.metadata..", "io.kontiki.broker..");

  @ArchTest
  static final ArchRule theMetadataDoesNotKnowTheLog =
      noClasses()
          .that()
          .resideInAnyPackage("io.kontiki.raft..", "io.kontiki.metadata..", "io.kontiki.group..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.kontiki.log..", "io.kontiki.replication..", "io.kontiki.broker..");

  @ArchTest
  static final ArchRule messagesStopAtTheEdges =
      noClasses()
          .that()
          .resideOutsideOfPackages(EDGES)
          .and(not(GENERATED_CODE))
          .should()
          .dependOnClassesThat(GENERATED_CODE.or(resideInAnyPackage("com.google.protobuf..")));

  @ArchTest
  static final ArchRule clientsDoNotKnowTheServer =
      noClasses()
          .that()
          .resideInAnyPackage("io.kontiki.client..", "io.kontiki.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.kontiki.broker..",
              "io.kontiki.log..",
              "io.kontiki.replication..",
              "io.kontiki.metadata..",
              "io.kontiki.raft..");

  /** The command line counts as one: a program whose packages are its folders. */
  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices()
          .assignedFrom(
              new SliceAssignment() {
                @Override
                public SliceIdentifier getIdentifierOf(JavaClass type) {
                  String name = type.getPackageName();
                  if (GENERATED_CODE.test(type)) {
                    return SliceIdentifier.ignore();
                  }
                  return SliceIdentifier.of(
                      name.startsWith("io.kontiki.cli.") ? "io.kontiki.cli" : name);
                }

                @Override
                public String getDescription() {
                  return "packages";
                }
              })
          .should()
          .beFreeOfCycles();

  @ArchTest
  static final ArchRule timeAndChanceAreArguments =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              "io.kontiki.runtime.system..",
              "io.kontiki.raft.jraft..",
              // programs of their own for people; nothing of them runs in a broker or a simulator
              "io.kontiki.cli..",
              "io.kontiki.chaos.run..")
          .and(not(GENERATED_CODE))
          .should()
          .callMethodWhere(
              calls(System.class, "currentTimeMillis")
                  .or(calls(System.class, "nanoTime"))
                  .or(calls(Thread.class, "sleep"))
                  .or(calls(UUID.class, "randomUUID"))
                  .or(calls(Instant.class, "now"))
                  .or(calls(ThreadLocalRandom.class, "current"))
                  .or(calls(Math.class, "random")))
          .orShould()
          .callConstructorWhere(
              describe("make a Random", call -> call.getTargetOwner().isAssignableTo(Random.class)))
          .because("a run must be repeatable from its seed");

  @ArchTest
  static final ArchRule everyPackageSaysWhatMayBeNull =
      classes()
          .that(not(GENERATED_CODE))
          .should(
              new ArchCondition<JavaClass>("lie in a @NullMarked package") {
                @Override
                public void check(JavaClass type, ConditionEvents events) {
                  if (!type.getPackage().isAnnotatedWith(NullMarked.class)) {
                    events.add(
                        SimpleConditionEvent.violated(
                            type, type.getPackageName() + " has no @NullMarked package-info.java"));
                  }
                }
              });

  private static DescribedPredicate<JavaAccess<?>> calls(Class<?> type, String method) {
    return describe(
        "call " + type.getSimpleName() + "." + method,
        call -> call.getTargetOwner().isEquivalentTo(type) && call.getName().equals(method));
  }
}
