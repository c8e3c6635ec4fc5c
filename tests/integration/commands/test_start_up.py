"""Commands answer --help at once."""

import re
import subprocess
import sys

from benchmarks.start_up_time import commands, with_options

SCRIPT = """
import importlib, sys
module, *words = sys.argv[1:]
slow = {'numpy', 'scipy', 'matplotlib', 'tensorflow', 'torch', 'keras', 'sionna'}
command = importlib.import_module(module)
code = command.main(words)
sys.exit(str(slow & set(sys.modules)) if slow & set(sys.modules) else code)
"""


def test_help_loads_nothing_slow():
    """Of every command: none loads NumPy, SciPy, Matplotlib or a tensor library before
    its options are read, so that an answer takes a fraction of a second (exact)."""
    asked = with_options()
    assert len(asked) > 20
    for module, *words in asked:
        if module in ("scenarios.report", "link_models.training"):
            module += ".__main__"
        command = [sys.executable, "-c", SCRIPT, module, *words, "--help"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{module} {words}: {done.stderr}"


def test_figures_are_drawn_without_a_tensor_library(tmp_path):
    """plot loads neither TensorFlow nor torch, Keras or Sionna (exact)."""
    script = SCRIPT.replace("'numpy', 'scipy', 'matplotlib', ", "")
    for words, code in ((["--out", str(tmp_path)], 2), (["--help"], 0)):
        command = [sys.executable, "-c", script, "scenarios.mimo_2x2", "plot", *words]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert "{" not in done.stderr


def test_all_commands_are_listed():
    """Every scenario and every further command has a line with what it is, and nothing
    slow is loaded for it (exact)."""
    command = [sys.executable, "-c", SCRIPT, "scenarios.__main__"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = dict(re.findall(r"^  (\w+) +(\S.*)$", done.stdout, re.M))
    found = {name.removeprefix("scenarios.") for name in commands()}
    assert set(lines) == found - {"__main__", "link_models.training"}
    assert lines["compare"] == "Paired differences of results"
