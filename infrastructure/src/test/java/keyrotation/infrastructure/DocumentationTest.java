package keyrotation.infrastructure;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds the documentation to the files, scripts and settings that it names. */
class DocumentationTest {

  private static final Path ROOT = Path.of("..");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#\\s]*)(?:#([^)\\s]+))?\\)");
  private static final Pattern WORKFLOW =
      Pattern.compile("\\.\\./\\.\\./actions/workflows/([^/]+)");
  private static final Pattern SCRIPT = Pattern.compile("(?:\\./)?(scripts/[a-z-]+\\.sh)");
  private static final Pattern JSON_BLOCK = Pattern.compile("(?s)```json\\n(.*?)```");
  private static final Pattern CODE_BLOCK = Pattern.compile("(?s)```.*?```");
  private static final Pattern SETTING_ROW = Pattern.compile("(?m)^\\| `([A-Z_]+)` \\|");
  private static final Pattern COMMAND = Pattern.compile("\\baws ([a-z]+) ([a-z]+(?:-[a-z]+)*)");
  private static final Pattern ACTION = Pattern.compile("`(?:([a-z]+):)?([A-Z][A-Za-z]+)`");
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Settings for which the release's template has no parameter. */
  private static final List<String> NOT_IN_THE_TEMPLATE =
      List.of(
          "CREATE_SECRETS",
          "LOG_REMOVAL",
          "SECRETS_MANAGER_WRITES_PER_SECOND",
          "SNAP_START",
          "STACK_SUFFIX",
          "STACK_TAGS");

  static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>();
    for (Path folder : List.of(ROOT, ROOT.resolve("docs"), ROOT.resolve("sandbox"))) {
      try (Stream<Path> files = Files.list(folder)) {
        files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(pages::add);
      }
    }
    return pages;
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_relative_link_leads_to_a_file_and_a_heading(Path page) throws IOException {
    String text = CODE_BLOCK.matcher(Files.readString(page)).replaceAll("");
    List<MatchResult> links =
        LINK.matcher(text).results().filter(link -> !link.group(1).contains("://")).toList();

    assertThat(links)
        .allSatisfy(
            link -> {
              Path target = link.group(1).isEmpty() ? page : target(page, link.group(1));
              assertThat(target).exists();
              if (link.group(2) != null) {
                assertThat(anchors(target)).contains(link.group(2));
              }
            });
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_script_that_is_named_exists(Path page) throws IOException {
    assertThat(findAll(SCRIPT, page))
        .allSatisfy(script -> assertThat(ROOT.resolve(script)).isRegularFile());
  }

  @ParameterizedTest
  @MethodSource("pages")
  void every_json_example_is_json(Path page) throws IOException {
    assertThat(findAll(JSON_BLOCK, page)).allSatisfy(DocumentationTest::assertJson);
  }

  @Test
  void the_page_of_settings_has_all_settings_and_no_others() throws IOException {
    assertThat(findAll(SETTING_ROW, ROOT.resolve("docs/settings.md")))
        .containsExactlyInAnyOrderElementsOf(StackSettings.NAMES);
  }

  @Test
  void the_page_of_releases_has_all_parameters_with_their_settings_and_no_others()
      throws IOException {
    String page = Files.readString(ROOT.resolve("docs/install.md"));
    String table = page.substring(page.indexOf("| parameter |"), page.indexOf("## A link"));
    List<String> rows = table.lines().filter(line -> line.startsWith("| `")).toList();

    assertThat(rows.stream().flatMap(row -> codes(row.split("\\|", -1)[1])))
        .containsExactlyInAnyOrderElementsOf(
            TemplateParameters.ALL.stream().map(TemplateParameter::name).toList());
    List<String> settings = new ArrayList<>(StackSettings.NAMES);
    settings.removeAll(TokenStackSettings.NAMES);
    settings.removeAll(NOT_IN_THE_TEMPLATE);
    assertThat(rows.stream().flatMap(row -> codes(row.split("\\|", -1)[2])).distinct())
        .containsExactlyInAnyOrderElementsOf(settings);
  }

  private static Stream<String> codes(String cell) {
    return Pattern.compile("`([^`]+)`").matcher(cell).results().map(match -> match.group(1));
  }

  @Test
  void the_readme_is_short_and_names_only_settings_that_exist() throws IOException {
    Path readme = ROOT.resolve("README.md");

    assertThat(Files.readAllLines(readme)).hasSizeLessThanOrEqualTo(150);
    assertThat(findAll(SETTING_ROW, readme)).isNotEmpty().isSubsetOf(StackSettings.NAMES);
    assertThat(readme).content().contains("\"s3://$BUCKET/" + StackTemplate.version() + "/\"");
  }

  @Test
  void the_permissions_by_task_allow_each_command_of_the_runbook_and_no_others()
      throws IOException {
    String page = Files.readString(ROOT.resolve("docs/permissions-and-cost.md"));
    String tasks = page.substring(0, page.indexOf("## The function's role"));
    String others = tasks.lines().filter(line -> line.contains("other commands")).findFirst().get();
    Set<String> commands =
        COMMAND
            .matcher(Files.readString(ROOT.resolve("docs/runbook.md")))
            .results()
            .map(command -> action(command.group(1), command.group(2)))
            .collect(toCollection(TreeSet::new));

    assertThat(commands).hasSizeGreaterThan(20).isSubsetOf(actions(tasks));
    assertThat(actions(others)).isNotEmpty().isSubsetOf(commands);
  }

  /** Returns the action of IAM that a command of the AWS CLI calls. */
  private static String action(String service, String command) {
    String name =
        Stream.of(command.split("-", -1))
            .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
            .collect(joining());
    return service + ":" + (name.equals("Invoke") ? "InvokeFunction" : name);
  }

  /** Returns the actions in a text, which states the service only where it changes. */
  private static Set<String> actions(String text) {
    Set<String> actions = new TreeSet<>();
    String service = "";
    for (MatchResult action : ACTION.matcher(text).results().toList()) {
      service = Optional.ofNullable(action.group(1)).orElse(service);
      actions.add(service + ":" + action.group(2));
    }
    return actions;
  }

  /** Returns the file that a link leads to; a link to GitHub's page of a workflow, its file. */
  private static Path target(Path page, String link) {
    Matcher workflow = WORKFLOW.matcher(link);
    return workflow.lookingAt()
        ? ROOT.resolve(".github/workflows").resolve(workflow.group(1))
        : page.resolveSibling(link).normalize();
  }

  /** Returns the first group of each match in a page. */
  private static List<String> findAll(Pattern pattern, Path page) throws IOException {
    return pattern.matcher(Files.readString(page)).results().map(match -> match.group(1)).toList();
  }

  /** Returns the anchors of a page's headings, as GitHub makes them. */
  private static List<String> anchors(Path page) throws IOException {
    return CODE_BLOCK
        .matcher(Files.readString(page))
        .replaceAll("")
        .lines()
        .filter(line -> line.matches("#+ .*"))
        .map(
            line ->
                line.replaceFirst("#+ ", "")
                    .toLowerCase(Locale.ROOT)
                    .replaceAll("[^\\w\\- ]", "")
                    .replace(' ', '-'))
        .toList();
  }

  private static void assertJson(String block) {
    try (MappingIterator<JsonNode> values = JSON.readerFor(JsonNode.class).readValues(block)) {
      assertThat(values.readAll()).isNotEmpty().allMatch(JsonNode::isObject);
    } catch (IOException e) {
      throw new AssertionError("Not JSON: " + block, e);
    }
  }
}
