package keyrotation.sandbox.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LoadedClassesTest {

  private final LoadedClasses classes =
      LoadedClasses.of(
          List.of(
              "java.lang.Object source: shared objects file",
              "sun.security.ssl.SSLContextImpl source: jrt:/java.base",
              "java.security.Provider source: shared objects file",
              "software.amazon.awssdk.core.SdkClient source: file:lib/sdk-core.jar",
              "software.amazon.awssdk.services.secretsmanager.model.Tag source: file:lib/s.jar",
              "keyrotation.Settings source: file:task/",
              "LambdaForm source: __JVM_LookupDefineClass__",
              "a line about something else"));

  @Test
  void each_class_is_counted_in_one_group() {
    assertThat(LoadedClasses.groups())
        .filteredOn(group -> classes.count(group) > 0)
        .containsExactly(
            "JDK: TLS and crypto",
            "Secrets Manager",
            "AWS core",
            "keyrotation",
            "JDK: other",
            "other",
            "in all");
    assertThat(classes.count("JDK: TLS and crypto")).isEqualTo(2);
    assertThat(classes.count("in all")).isEqualTo(7);
  }

  @Test
  void classes_of_the_jdks_archive_are_shared() {
    assertThat(classes.countNotShared("JDK: other")).isZero();
    assertThat(classes.countNotShared("JDK: TLS and crypto")).isEqualTo(1);
    assertThat(classes.countNotShared("in all")).isEqualTo(5);
  }
}
