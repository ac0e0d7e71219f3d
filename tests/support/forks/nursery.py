"""Imports modules once, then forks a process for each job; run as `python -m tests.support.forks.nursery FD MODULE…`.

Each child is a process of its own that dies of its own signals. When the client's end of the socket closes, the
nursery kills its children and ends: nothing outlives the test.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from selectors import EVENT_READ, DefaultSelector

from tests.support.forks.wire import Job, News


class Nursery:
    """Forks jobs and tells of their ends until the client leaves.

    Args:
        client: the socket on which jobs come and news go.
    """

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._jobs = client.makefile("rb", buffering=0)
        self._children: set[int] = set()
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake.fileno())

    def serve(self) -> Job | None:
        """Returns a job in each forked child, which is to run it; None in the nursery itself when it is over."""
        with DefaultSelector() as selector:
            selector.register(self._client, EVENT_READ)
            selector.register(self._woken, EVENT_READ)
            while line := self._next_line(selector):
                job: Job = json.loads(line)
                if self._fork() == 0:
                    return self._leave_home(job)
        self._end()
        return None

    def _next_line(self, selector: DefaultSelector) -> bytes:
        """The next job's line, or nothing when the client has left; reaps children meanwhile."""
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if self._woken in ready:
                self._woken.recv(4096)
                self._reap()
            if self._client in ready:
                return self._jobs.readline()

    def _fork(self) -> int:
        pid = os.fork()
        if pid:
            self._children.add(pid)
            self._tell({"pid": pid, "code": None})
        return pid

    def _leave_home(self, job: Job) -> Job:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for kept in (self._jobs, self._client, self._woken, self._wake):
            kept.close()
        return job

    def _reap(self) -> None:
        for pid in sorted(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                self._tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _tell(self, news: News) -> None:
        self._client.sendall(json.dumps(news).encode() + b"\n")

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            self._tell({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def run(job: Job) -> None:
    """Become the job: a session of its own, its environment, its log, its module as `__main__`."""
    os.setsid()
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv = [job["module"], *job["arguments"]]
    runpy.run_module(job["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    """Import, say so with an empty piece of news, serve."""
    for module in sys.argv[2:]:
        importlib.import_module(module)
    # what is there now is there for ever: the children's collectors need not touch, and so copy, its pages
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as client:
        client.sendall(b"{}\n")
        job = Nursery(client).serve()
    if job is not None:
        run(job)


if __name__ == "__main__":
    main()
