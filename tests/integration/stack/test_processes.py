"""Real child processes: they die with their parent, whatever killed it, and their last words are kept."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from cli.stack.processes import Program, last_words, spawn
from tests.support.polling import eventually

PARENT = """
import signal, sys
from pathlib import Path
from cli.stack.processes import Program, spawn
child = spawn(Program(name="child", command=["sleep", "600"], log_path=Path(sys.argv[1])))
print(child.pid, flush=True)
signal.pause()
"""


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a zombie that nobody reaped yet has ended as well
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "child.log")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.kill()
    eventually(lambda: not runs(child), 5)


def test_stop_kills_what_ignores_it_and_what_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 600 & echo $!; wait; sleep 600"
    process = spawn(Program(name="stubborn", command=["sh", "-c", script], log_path=tmp_path / "log"))
    grandchild = int(eventually(lambda: last_words(tmp_path / "log"), 5))
    assert process.stop(grace=timedelta(seconds=0.3)) == -signal.SIGKILL
    eventually(lambda: not runs(grandchild), 5)


def test_environment_and_last_words(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "part.log"
    script = "for i in 1 2 3 4; do echo line $i; done; echo $GREETING >&2; exit 3"
    process = spawn(Program(name="part", command=["sh", "-c", script], log_path=log, environment={"GREETING": "bye"}))
    assert process.wait() == 3
    assert last_words(log, lines=2) == "line 4\nbye"


def test_last_words_of_one_that_never_spoke(tmp_path: Path) -> None:
    assert last_words(tmp_path / "missing.log") == ""
