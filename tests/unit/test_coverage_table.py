"""The page of coverage: what stands in it, and when `make coverage` fails."""

import json

import pytest
from coverage_table import main


def report(folder, **missing):
    """A report of coverage of modules of 20 lines, as many of which were not run."""
    names = {"semcom_phy/_hidden.py": 20, "semcom_phy/empty/__init__.py": None}
    names |= {f"semcom_phy/{name}.py": number for name, number in missing.items()}
    files = {
        path: {
            "summary": {
                "num_statements": 0 if number is None else 20,
                "missing_lines": number or 0,
            }
        }
        for path, number in names.items()
    }
    (folder / "report.json").write_text(json.dumps({"files": files}))
    return [str(folder / "report.json"), str(folder / "page.md"), "tests/unit"]


def test_the_page_lists_what_is_not_covered(tmp_path):
    """Least first, of public modules with lines; the total over all of them (exact)."""
    assert main(report(tmp_path, half=4, most=2, whole=0)) == 0
    text = (tmp_path / "page.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `semcom_phy.half` | 20 | 4 | 80.0 % |",
        "| `semcom_phy.most` | 20 | 2 | 90.0 % |",
    ]
    assert "**90.0 %** of 60 in 3 public modules" in text
    assert "`tests/unit`" in text


def test_a_module_below_the_least_fails(tmp_path, capsys):
    """And is named, with what it has; the page is written all the same (exact)."""
    assert main(report(tmp_path, low=5, whole=0)) == 1
    assert "'semcom_phy.low': 75.0" in capsys.readouterr().err
    assert (
        "| `semcom_phy.low` | 20 | 5 | 75.0 % |" in (tmp_path / "page.md").read_text()
    )


def test_a_report_that_is_not_there_is_named(tmp_path):
    """No page of nothing."""
    with pytest.raises(FileNotFoundError, match="other.json"):
        main([str(tmp_path / "other.json"), str(tmp_path / "page.md")])
