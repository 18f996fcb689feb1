"""Which outcome the next request gets."""

import random
import threading

from .config import Faults
from .outcome import OK, RESET, Outcome


class OutcomeSequence:
    """
    Chooses the outcome of each request in turn; threads may share it.

    Args:
        faults: What to choose from.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)  # noqa: S311  nothing depends on its secrecy
        self._taken = 0
        self._lock = threading.Lock()

    def next_outcome(self) -> Outcome:
        """Return the outcome of the next request."""
        with self._lock:
            if self._random.random() < self._faults.drop:
                return RESET
            if not self._faults.fail:
                return OK
            outcome = self._faults.fail[self._taken % len(self._faults.fail)]
            self._taken += 1
            return outcome
