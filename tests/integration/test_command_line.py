"""The command line: usage, complaints, exit codes, and that the man page says what --help says."""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("PATCHBAY_BINARY", str(ROOT / "build/asan/patchbay"))
COMMANDS = ["serve", "migrate", "apply", "token", "check", "key", "cel", "mail", "decode", "simulate", "explain", "replay",
            "import", "export", "version"]
WITH_OPTIONS = ["serve", "migrate", "apply", "token create", "token list", "token revoke", "check", "key", "cel", "mail", "decode",
                "simulate", "explain", "replay", "import", "export", "version"]
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def patchbay(*words, env=None, **more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PATCHBAY_")}
    return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, env={**clean, **(env or {})}, **more)


def assert_misused(result, *parts):
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    for part in parts:
        assert part in result.stderr


def options_of(text):
    return set(re.findall(r"^  --([a-z-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("word", ["--help", "help", "-h"])
def test_help_lists_every_command(word):
    result = patchbay(word)
    assert result.returncode == 0 and result.stderr == ""
    assert re.findall(r"^  ([a-z]+) ", result.stdout, re.MULTILINE) == COMMANDS


def test_without_a_command_the_usage_is_printed():
    result = patchbay()
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("usage: patchbay COMMAND")


@pytest.mark.parametrize("command", WITH_OPTIONS + ["token"])
def test_every_command_explains_itself(command):
    result = patchbay(*command.split(), "--help")
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith(f"usage: patchbay {command} ")
    assert max(len(line) for line in result.stdout.splitlines()) <= 120


@pytest.mark.parametrize("command", ["nonsense", "--nonsense", "", "Serve"])
def test_an_unknown_command_is_named(command):
    assert_misused(patchbay(command), "patchbay: ", f"'{command}'")


@pytest.mark.parametrize("command", WITH_OPTIONS + ["token"])
def test_an_unknown_option_is_named(command):
    assert_misused(patchbay(*command.split(), "--nonsense"), f"patchbay {command}: ", "'--nonsense'")


def test_version_is_one_line():
    for words in (["version"], ["--version"]):
        result = patchbay(*words)
        assert result.returncode == 0 and re.fullmatch(r"patchbay \d+\.\d+\.\d+\n", result.stdout)


def test_output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        result = subprocess.run([BINARY, "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1 and "standard output" in result.stderr


@pytest.mark.parametrize("words, part", [
    (["serve", "--batch-max", "0"], "--batch-max: must be a whole number of 1 to 1024"),
    (["serve", "--http", "nowhere"], "--http: must be HOST:PORT"),
    (["serve", "--log-level", "loud"], "--log-level: "),
    (["serve", "--lease", "10"], "--lease: must be a duration"),
    (["serve", "--database"], "--database"),
    (["serve", "extra", "--database", NOWHERE], "'extra'"),
    (["serve"], "no database"),
    (["migrate"], "no database"),
    (["migrate", "--database", "nonsense"], "--database: "),
    (["apply"], "too few arguments"),
    (["apply", "a", "b"], "'b'"),
    (["apply", "a"], "no database"),
    (["check"], "too few arguments"),
    (["token"], "an action is missing"),
    (["token", "steal"], "'steal'"),
    (["token", "create"], "--project is missing"),
    (["token", "create", "--project", "p"], "--role is missing"),
    (["token", "create", "--project", "p", "--role", "king"], "--role: must be"),
    (["token", "create", "--project", "p", "--role", "agent"], "--agent is missing"),
    (["token", "create", "--project", "p", "--role", "source", "--agent", "a"], "--agent: "),
    (["token", "create", "--project", "p", "--role", "admin", "--expires", "soon"], "--expires: "),
    (["token", "create", "--project", "p", "--role", "admin", "--expires", "0s"], "--expires: "),
    (["token", "list"], "--project is missing"),
    (["token", "revoke"], "too few arguments"),
    (["token", "revoke", "17"], "'17' is not the id of a token"),
    (["export", "--stage", "sold", "--database", NOWHERE], "--stage: must be new, to_be_assigned"),
    (["serve", "--config", "/nonexistent"], "/nonexistent: No such file or directory"),
])
def test_bad_and_missing_values_get_one_clear_line(words, part):
    assert_misused(patchbay(*words), part)


def test_a_bad_variable_is_named():
    assert_misused(patchbay("serve", env={"PATCHBAY_LEASE": "long"}), "PATCHBAY_LEASE: must be a duration")


def test_several_faults_are_counted_in_one_line():
    env = {"PATCHBAY_LEASE": "long", "PATCHBAY_RPC": "x", "PATCHBAY_BATCH_MAX": "-1"}
    assert_misused(patchbay("serve", env=env), "(and 2 more)")


def test_a_configuration_may_be_named_by_a_variable(tmp_path):
    (tmp_path / "p.yaml").write_text("\nlease: never\n")
    env = {"PATCHBAY_CONFIG": str(tmp_path / "p.yaml")}
    assert_misused(patchbay("serve", env=env), "p.yaml:2: lease: must be a duration")


@pytest.mark.parametrize("words", [
    ["migrate"],
    ["token", "list", "--project", "p"],
    ["token", "create", "--project", "p", "--role", "admin"],
])
def test_a_database_that_is_away_is_a_failure_and_no_misuse(words):
    result = patchbay(*words, "--database", NOWHERE)
    assert result.returncode == 1 and result.stdout == ""
    assert "127.0.0.1" in result.stderr


def test_check_names_file_line_and_key_of_each_fault(tmp_path):
    path = tmp_path / "patchbay.yaml"
    path.write_text("http: 127.0.0.1:8080\nbatch_max: many\nbatchmax: 1\n")
    result = patchbay("check", str(path))
    assert result.returncode == 1 and result.stderr == ""
    assert result.stdout.splitlines() == [
        f"{path}:2: batch_max: must be a whole number of 1 to 1024",
        f"{path}:3: batchmax: there is no such setting",
    ]


def test_check_says_ok(tmp_path):
    path = tmp_path / "patchbay.yaml"
    path.write_text("http: 127.0.0.1:8080\n")
    result = patchbay("check", str(path))
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", "")


def test_check_knows_project_files(tmp_path):
    path = tmp_path / "demo.yaml"
    path.write_text("project: demo\nregion: DE\nqueues:\n  support: {}\n"
                    "endpoints:\n  - {phone: \"+4930901820\", queue: support}\n"
                    "rules:\n  - {name: rest, when: \"true\", queue: endpoint}\n")
    result = patchbay("check", str(path))
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", "")
    path.write_text(path.read_text().replace("queue: support}", "queue: sales}"))
    result = patchbay("check", str(path))
    assert result.returncode == 1
    assert re.match(re.escape(str(path)) + r":6: endpoints\.0\S*: ", result.stdout), result.stdout


@pytest.mark.parametrize("content", ["queues: [", "a: &b 1\nc: *b\n", "x: \"\\0\"\n", "\0\0", "- 1\n", "project: 5\n"])
def test_check_survives_hostile_files(tmp_path, content):
    path = tmp_path / "hostile.yaml"
    path.write_text(content)
    result = patchbay("check", str(path))
    assert result.returncode == 1 and result.stdout.startswith(f"{path}:"), result


def test_check_of_a_file_that_cannot_be_read_is_a_failure(tmp_path):
    result = patchbay("check", str(tmp_path))
    assert result.returncode == 1 and result.stderr == f"patchbay check: {tmp_path}: Is a directory\n"


@pytest.fixture
def applied(database, project_file):
    """The address of a database in which the project `demo` is active."""
    result = patchbay("apply", "--database", database.url, str(project_file))
    assert (result.returncode, result.stdout, result.stderr) == (0, "project demo: version 1 active\n", "")
    return database.url


def test_apply_makes_a_version_only_of_what_changed(applied, project_file):
    env = {"PATCHBAY_DATABASE": applied}
    assert patchbay("apply", str(project_file), env=env).stdout == "project demo: unchanged, version 1\n"
    project_file.write_text(project_file.read_text().replace("offer_timeout: 20s", "offer_timeout: 25s"))
    assert patchbay("apply", str(project_file), env=env).stdout == "project demo: version 2 active\n"


def test_apply_stores_nothing_that_has_faults(applied, project_file):
    good = project_file.read_text()
    project_file.write_text(good.replace("queue: mail}", "queue: post}"))
    result = patchbay("apply", "--database", applied, str(project_file))
    assert result.returncode == 1 and result.stderr == ""
    assert re.match(re.escape(str(project_file)) + r":\d+: endpoints\.1\S*: ", result.stdout), result.stdout
    project_file.write_text(good)
    assert "unchanged, version 1" in patchbay("apply", "--database", applied, str(project_file)).stdout


def tokens_of(url):
    head, *rows = patchbay("token", "list", "--project", "demo", "--database", url).stdout.splitlines()
    assert head == "id\trole\tagent\tcreated\texpires\trevoked\tnote"
    return [dict(zip(head.split("\t"), row.split("\t"), strict=True)) for row in rows]


def test_a_token_is_shown_once_listed_and_revoked(applied):
    create = ["token", "create", "--database", applied, "--project", "demo"]
    made = patchbay(*create, "--role", "agent", "--agent", "anna", "--expires", "30d", "--note", "desk\t1")
    assert made.returncode == 0 and re.fullmatch(r"pbt_[A-Za-z0-9_-]{43}\n", made.stdout)
    other = patchbay(*create, "--role", "source")
    assert other.returncode == 0 and other.stdout != made.stdout
    first, second = tokens_of(applied)
    assert (first["role"], first["agent"], first["revoked"], first["note"]) == ("agent", "anna", "-", "desk 1")
    assert first["expires"] > first["created"]
    assert (second["role"], second["agent"], second["expires"], second["note"]) == ("source", "-", "-", "-")
    assert made.stdout.strip() not in patchbay("token", "list", "--project", "demo", "--database", applied).stdout
    revoke = ["token", "revoke", "--database", applied, first["id"]]
    assert patchbay(*revoke).stdout == f"token {first['id']}: revoked\n"
    assert patchbay(*revoke).returncode == 1
    assert [row["revoked"] != "-" for row in tokens_of(applied)] == [True, False]


@pytest.mark.parametrize("words, part", [
    (["--project", "nowhere", "--role", "admin"], "there is no project 'nowhere'"),
    (["--project", "demo", "--role", "agent", "--agent", "nobody"], "no agent 'nobody'"),
])
def test_a_token_of_nobody_is_not_made(applied, words, part):
    result = patchbay("token", "create", "--database", applied, *words)
    assert result.returncode == 1 and result.stdout == "" and part in result.stderr
    assert tokens_of(applied) == []


def test_the_token_of_a_webhook_is_for_one_that_the_project_has(applied, project_file):
    def create(hook, project="demo"):
        return patchbay("token", "create", "--database", applied, "--project", project, "--hook", hook)

    for result, part in ((create("pbx"), "the project 'demo' has no webhook 'pbx'; it has none\n"), (create("pbx", "nowhere"), "no project 'nowhere'\n")):
        assert result.returncode == 1 and result.stdout == "" and result.stderr.endswith(part), result
    project_file.write_text(project_file.read_text() + "hooks: {pbx: {preset: cti-generic}, box: {preset: postmark}}\n")
    assert patchbay("apply", "--database", applied, str(project_file)).returncode == 0
    assert create("pdx").stderr.endswith("the project 'demo' has no webhook 'pdx'; it has box, pbx\n")
    assert create("pbx").returncode == 0
    assert [row["agent"] for row in tokens_of(applied)] == ["pbx"]


def test_the_tokens_of_a_project_that_is_not_there_are_none(applied):
    assert patchbay("token", "list", "--project", "nowhere", "--database", applied).stdout.count("\n") == 1


def man_page_options():
    """Options of each command, from the .It lines below its .Ss."""
    sections, command = {}, None
    for line in (ROOT / "docs/patchbay.1").read_text().splitlines():
        if line.startswith(".Ss "):
            command = line[4:]
            sections[command] = set()
        elif line.startswith(".Sh "):
            command = None
        elif command and (option := re.match(r"\.It Fl -([a-z-]+)", line)):
            sections[command].add(option.group(1))
    return sections


def test_the_man_page_has_the_options_of_every_command():
    pages = man_page_options()
    assert sorted(pages) == sorted(WITH_OPTIONS)
    for command in WITH_OPTIONS:
        assert options_of(patchbay(*command.split(), "--help").stdout) == pages[command], command


def test_the_configuration_page_has_every_setting_and_default():
    text = (ROOT / "docs/configuration.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]*)\|", text, re.MULTILINE))
    helped = patchbay("serve", "--help").stdout
    assert {name.replace("_", "-") for name in rows} | {"config", "help"} == options_of(helped)
    for name, default in re.findall(r"^  --([a-z-]+) .*\(([^()]+)\)$", helped, re.MULTILINE):
        assert rows[name.replace("-", "_")].strip() == f"`{default}`"


def test_the_metrics_page_has_every_metric():
    page = set(re.findall(r"`((?:patchbay|process)_[a-z_]+)`", (ROOT / "docs/metrics.md").read_text()))
    source = set(re.findall(r'\{"((?:patchbay|process)_[a-z_]+)"', (ROOT / "server/metrics.c").read_text()))
    assert source and source <= page, source - page
