package io.kontiki.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.kontiki.config.LimitsConfig;
import io.kontiki.config.ListenerConfig;
import io.kontiki.config.LivenessConfig;
import io.kontiki.config.LogLevels;
import io.kontiki.config.NodeConfig;
import io.kontiki.config.StorageConfig;
import io.kontiki.config.TopicConfig;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A key that nobody reads would be a promise to operators that nobody keeps. */
final class ConfigurationIsReadTest {
  private static final String CONFIG = "io.kontiki.config";

  @Test
  void everyValueOfTheConfigurationIsReadOutsideOfIt() {
    JavaClasses classes =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.kontiki");
    Set<String> unread = new TreeSet<>();
    for (Class<?> concern :
        List.of(
            NodeConfig.class,
            ListenerConfig.class,
            LivenessConfig.class,
            StorageConfig.class,
            LimitsConfig.class,
            LogLevels.class,
            TopicConfig.class)) {
      Arrays.stream(concern.getRecordComponents())
          .map(RecordComponent::getName)
          .filter(name -> !isRead(classes.get(concern).getMethod(name)))
          .forEach(name -> unread.add(concern.getSimpleName() + "." + name));
    }
    // Read through what the records themselves derive from them.
    unread.removeAll(Set.of("ListenerConfig.advertise", "TopicConfig.explicitMinInsync"));
    assertEquals(Set.of(), unread);
  }

  private static boolean isRead(JavaMethod accessor) {
    return accessor.getAccessesToSelf().stream()
        .anyMatch(access -> !access.getOriginOwner().getPackageName().equals(CONFIG));
  }
}
