"""Ending the work of models before the interpreter ends."""

import atexit
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

WAIT_SECONDS = 10.0
"""
The longest that the interpreter waits. A run of the embedded models takes 40 ms, and loading one up
to a second, but a folder may hold a larger model.
"""


class ModelWork:
    """
    Knows which threads work with a model, and ends them when the interpreter exits.

    Before 3.14, CPython ends a daemon thread that comes back from native code while the interpreter
    is being torn down by unwinding its stack, at which onnxruntime (C++) and tokenizers (Rust)
    abort the process: "terminate called without an active exception". The threads of an in-memory
    client, of a server that `running` starts and of `rerank_many` are daemons, since no caller's
    code may keep a program from exiting.

    The main thread is never stopped: whatever it does at exit, it is not torn down under way.
    """

    def __init__(self) -> None:
        """Begin with no work."""
        self.forget()

    def forget(self) -> None:
        """Start again in a forked process, which has none of its parent's other threads."""
        self._changed = threading.Condition()
        self._count = 0
        self._is_over = False

    @contextmanager
    def hold(self) -> Generator[None]:
        """
        Have the interpreter wait with its exit until the block ends.

        Raises:
            SystemExit: It is exiting already.
        """
        if _is_main_thread():
            yield
            return
        with self._changed:
            self.check()
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def check(self) -> None:
        """
        Go on, unless the interpreter is exiting.

        Raises:
            SystemExit: It is. A thread that nobody listens to any more ends with it in silence, but
                not with a class derived from it.
        """
        if self._is_over and not _is_main_thread():
            raise SystemExit

    def extend(self, checkpoint: Callable[[], None]) -> Callable[[], None]:
        """Return a checkpoint that ends work at exit, too."""

        def extended() -> None:
            checkpoint()
            # Afterwards, because the caller's may have waited for other work to end.
            self.check()

        return extended

    def finish(self) -> None:
        """End all work at its next checkpoint, and wait for that, for `WAIT_SECONDS` at most."""
        ends_at = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                self._is_over = True
                with self._changed:
                    self._changed.wait_for(lambda: not self._count, ends_at - time.monotonic())
            except KeyboardInterrupt:
                continue  # The program is ending already, and to hurry would abort it.
            return


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


model_work = ModelWork()
# It comes after all threads that Python itself waits for, and after what the program has registered
# since it imported this, which may still rank.
atexit.register(model_work.finish)
if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows has no forks
    os.register_at_fork(after_in_child=model_work.forget)
