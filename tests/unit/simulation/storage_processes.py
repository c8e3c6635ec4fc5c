"""Processes that write one result file, for ``test_result_storage.py``.

python storage_processes.py kill PATH ACTION     one after the other, each a step later
python storage_processes.py together PATH        three at once, one killed on the way
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from result_samples import HEADER, point

from semcom_phy.simulation.results import ResultFile

FIRST, SECOND = 0.0, 5.0
NUM_POINTS, NUM_WORKERS = 8, 3
ACTIONS = {
    "record": lambda path: ResultFile.read(path).record(SECOND, point(35.0)),
    "resume": lambda path: ResultFile.open(path, HEADER, [FIRST, SECOND]),
    "restart": lambda path: ResultFile.open(path, HEADER, [FIRST], restart=True),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def kill_at_every_step(path, action):
    """Ends an action before its first, second, ... change of a file, until one gets
    through; each works on a copy of the folder. Prints how many there were."""
    number, code = 0, None
    while code != 0:
        folder = path.parent.with_name(f"killed_{number}")
        shutil.copytree(path.parent, folder)
        child = os.fork()
        if not child:
            _count_down(number, str(folder))
            ACTIONS[action](folder / path.name)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        number += 1
    print(number)


def _count_down(steps, folder):
    """Ends this process before a change of a file in the folder, as a kill does."""
    left = steps

    def count(event, args):
        nonlocal left
        change = event in ("os.rename", "os.remove")
        change |= event == "open" and bool(args[2] & _WRITING)
        if change and folder in str(args[0]):
            left -= 1
            if left < 0:
                os._exit(9)

    sys.addaudithook(count)


def write_together(path):
    """Three processes file points of their own; the first is killed while it does.
    Prints the SNRs that they had filed."""
    workers = []
    for worker in range(NUM_WORKERS):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            snr_db = [float(worker + NUM_WORKERS * i) for i in range(NUM_POINTS)]
            file = ResultFile.open(path, HEADER, snr_db)
            for snr in snr_db:
                file.record(snr, point(30.0 + snr))
                os.write(writer, f"{snr:g}\n".encode())
            os._exit(0)
        os.close(writer)
        workers.append((child, reader))
    filed = [os.read(workers[0][1], 1)]
    os.kill(workers[0][0], signal.SIGKILL)
    for child, reader in workers:
        while block := os.read(reader, 1000):
            filed.append(block)
        os.waitpid(child, 0)
    print(b"".join(filed).decode())


if __name__ == "__main__":
    command, target, *arguments = sys.argv[1:]
    run = {"kill": kill_at_every_step, "together": write_together}[command]
    run(Path(target), *arguments)
