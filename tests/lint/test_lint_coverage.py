"""The arithmetic of tests/coverage/report.py."""
import importlib.util

from sources import ROOT

spec = importlib.util.spec_from_file_location("coverage_report", ROOT / "tests/coverage/report.py")
report = importlib.util.module_from_spec(spec)
spec.loader.exec_module(report)


def line(number, *counts, noncode=False):
    return {"line_number": number, "gcovr/noncode": noncode, "branches": [{"count": count} for count in counts]}


def files(**lines):
    return report.count({"files": [{"file": f"rules/{name}.c", "lines": found} for name, found in lines.items()]})


def test_the_last_line_is_the_share_of_all_branches():
    lines, share = report.table(files(a=[line(1, 5, 0), line(2), line(4, 1, 1)], b=[line(9, 0, 0, 0, 0)]))
    assert share == 37.5
    assert lines[-1] == "branch coverage of rules/: 37.5 %"
    assert [text.split() for text in lines[1:-1]] == [["rules/a.c", "4", "3", "75.0"], ["rules/b.c", "4", "0", "0.0"],
                                                      ["all", "8", "3", "37.5"]]


def test_a_share_is_cut_and_not_rounded():
    assert report.percent(9496, 10000) == 94.9
    assert report.percent(95, 100) == 95.0
    assert report.percent(0, 0) == 100.0


def test_lines_that_are_left_out_have_no_branches():
    assert report.table(files(a=[line(1, 0, 0, noncode=True), line(2, 1, 1)]))[1] == 100.0


def test_each_line_with_an_untaken_branch_is_named():
    lines, _ = report.table(files(a=[line(1, 5, 0), line(4, 1, 1)]), missing=True)
    assert [text.strip() for text in lines if ":" in text][:-1] == ["rules/a.c:1: 1 of 2"]
