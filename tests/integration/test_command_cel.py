"""patchbay cel: values, complaints and conformance files."""
import json

import pytest

from test_command_line import assert_misused, patchbay


@pytest.mark.parametrize("expression, bindings, value", [
    ("'vip' in customer.tags && channel == 'call'", ['customer.tags=["vip"]', 'channel="call"'], True),
    ("customer.fields.contract + 1", ['customer={"fields": {"contract": 41}}'], 42),
    ("[1, 2.5, 'a', null, b'x', 18446744073709551615u]", [], [1, 2.5, "a", None, "eA==", "18446744073709551615"]),
    ("{'at': timestamp('2026-03-29T03:00:00+02:00'), 'for': duration('90m'), 1: type(1)}", [],
     {"at": "2026-03-29T01:00:00Z", "for": "5400s", "1": "int"}),
    ("timestamp('2026-03-29T01:00:00Z').getHours('Europe/Berlin')", [], 3),
    ("'+4930901820'.matches('^[+]4930')", [], True),
    ("0.0 / 0.0", [], "NaN"),
])
def test_the_value_is_printed_as_json(expression, bindings, value):
    result = patchbay("cel", expression, *(word for text in bindings for word in ("--bind", text)))
    assert result.returncode == 0 and result.stderr == ""
    assert json.loads(result.stdout) == value and result.stdout.count("\n") == 1


@pytest.mark.parametrize("expression, reason", [
    ("1 +", "1:4: the expression ends where a value or a name should stand"),
    ("1 + 'a'", "1:3: found no matching overload for '_+_' applied to '(int, string)'"),
    ("true &&\n nobody", "2:2: undeclared reference to 'nobody' (in container '')"),
    ("[1][1]", "1:4: index out of range: 1"),
    ("{1: 2, true: 3, 'true': 4}", "JSON cannot say the value: too large, too deep, or two keys of one name"),
])
def test_without_a_value_it_says_why_and_where(expression, reason):
    result = patchbay("cel", expression)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == f"patchbay cel: {reason}\n"


@pytest.mark.parametrize("words, part", [
    ([], "EXPR is missing"),
    (["--cases"], "FILE is missing"),
    (["1", "2"], "unexpected argument '2'"),
    (["x", "--bind", "x"], "'x' is not NAME=JSON"),
    (["x", "--bind", "=1"], "is not NAME=JSON"),
    (["x", "--bind", "x={"], "not JSON"),
    (["--cases", "--bind", "x=1", "file"], "exclude each other"),
    (["-1"], "invalid option"),
])
def test_what_is_misused_is_named(words, part):
    assert_misused(patchbay("cel", *words), "patchbay cel: ", part)


def test_cases_are_counted_and_failures_shown(tmp_path):
    cases = [{"section": "s", "name": "good", "expr": "1 + 1", "value": {"int": "2"}},
             {"section": "s", "name": "skipped", "expr": "T{}", "value": {"object": {}}}]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    result = patchbay("cel", "--cases", str(path), str(path))
    assert result.returncode == 0 and result.stdout.endswith("\n2 passed, 0 failed, 2 skipped\n")
    path.write_text(json.dumps(cases + [{"section": "s", "name": "bad", "expr": "1 + 1", "value": {"uint": "2"}}]))
    result = patchbay("cel", "--cases", str(path))
    assert result.returncode == 1 and result.stdout.endswith("1 passed, 1 failed, 1 skipped\n")
    assert f"{path}: failed: s/bad: 1 + 1: wanted uint 2, got int 2\n" in result.stdout


def test_a_file_that_is_no_cases_is_a_failure(tmp_path):
    path = tmp_path / "cases.json"
    for text in ("{", "{}"):
        path.write_text(text)
        result = patchbay("cel", "--cases", str(path))
        assert result.returncode == 1 and str(path) in result.stderr
    assert patchbay("cel", "--cases", str(tmp_path / "none.json")).returncode == 1
