"""The work of models at the interpreter's exit."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from openrouter_rerank.local._models import interpreter_exit
from openrouter_rerank.local._models.interpreter_exit import ModelWork
from openrouter_rerank.local._models.ranker import proceed


@pytest.fixture
def held() -> Iterator[ModelWork]:
    """Give what a thread holds, which goes on without a checkpoint until the test is over."""
    work = ModelWork()
    began, go_on = threading.Event(), threading.Event()

    def rank() -> None:
        with work.hold():
            began.set()
            go_on.wait(60)

    thread = threading.Thread(target=rank, daemon=True)
    thread.start()
    assert began.wait(30)
    yield work
    go_on.set()
    thread.join(30)


def wait_for_exit(work: ModelWork) -> None:
    """Go on until the interpreter is exiting."""
    with suppress(SystemExit):
        while True:
            work.check()


def run_in_thread(function: Callable[[], object]) -> BaseException | None:
    """Call a function in another thread, and return what it raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).exception(30)


def test_exit_waits_for_work_to_end() -> None:
    """The interpreter goes on once each thread has met a checkpoint and left its block."""
    work = ModelWork()
    began = threading.Semaphore(0)
    ended: list[str] = []

    def rank() -> None:
        checkpoint = work.extend(proceed)
        try:
            with work.hold():
                began.release()
                while True:
                    checkpoint()
        except SystemExit:
            ended.append("ended")

    threads = [threading.Thread(target=rank, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
        assert began.acquire(timeout=30)
    work.finish()
    for thread in threads:
        thread.join(30)

    assert ended == ["ended"] * 3


def test_work_that_has_waited_for_its_turn_ends() -> None:
    """A caller's checkpoint that returns after the exit has begun does not lead to another run."""
    work = ModelWork()

    error = run_in_thread(work.extend(work.finish))

    assert type(error) is SystemExit


def test_no_work_begins_at_exit() -> None:
    """Another thread cannot begin, and ends in silence, while the main thread still may rank."""
    work = ModelWork()
    work.finish()

    def rank() -> None:
        with work.hold():
            pass

    rank()
    error = run_in_thread(rank)

    assert type(error) is SystemExit


def test_exit_gives_up_on_endless_work(monkeypatch: pytest.MonkeyPatch, held: ModelWork) -> None:
    """Work without a checkpoint does not keep the interpreter for ever."""
    monkeypatch.setattr(interpreter_exit, "WAIT_SECONDS", 0.01)

    held.finish()

    assert type(run_in_thread(held.check)) is SystemExit


def test_forked_process_waits_for_no_thread_of_its_parent(held: ModelWork) -> None:
    """What was under way before a fork is not in the new process."""
    held.forget()
    began_at = time.monotonic()

    held.finish()

    assert time.monotonic() - began_at < interpreter_exit.WAIT_SECONDS / 2


def test_interrupted_exit_waits_all_the_same() -> None:
    """Ctrl-C during the wait does not end it, since the process would abort."""
    work = ModelWork()
    began, interrupted = threading.Event(), threading.Event()
    ended: list[str] = []

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def rank() -> None:
        with work.hold():
            began.set()
            wait_for_exit(work)
            # One that comes right before the main thread waits does not wake it.
            while not interrupted.is_set():
                os.kill(os.getpid(), signal.SIGINT)
                interrupted.wait(0.1)
            ended.append("ended")

    thread = threading.Thread(target=rank, daemon=True)
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        thread.start()
        assert began.wait(30)
        work.finish()
    finally:
        signal.signal(signal.SIGINT, before)

    assert interrupted.is_set()
    assert ended == ["ended"]
