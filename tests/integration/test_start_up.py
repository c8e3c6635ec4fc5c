"""Commands answer --help at once."""

import subprocess
import sys

from benchmarks.start_up_time import with_options

SCRIPT = """
import importlib, sys
module, *words = sys.argv[1:]
slow = {'numpy', 'scipy', 'matplotlib', 'tensorflow', 'torch', 'keras', 'sionna'}
command = importlib.import_module(module)
code = command.main([*words, "--help"])
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
        command = [sys.executable, "-c", SCRIPT, module, *words]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{module} {words}: {done.stderr}"
