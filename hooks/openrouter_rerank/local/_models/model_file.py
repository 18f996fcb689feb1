"""The files of the models that packages bring, found without importing those packages."""

import hashlib
from dataclasses import dataclass
from importlib import metadata
from importlib.resources.abc import Traversable
from typing import cast

from openrouter_rerank._data_files import is_frozen
from openrouter_rerank.local._errors import MissingExtraError, ModelFileError


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """
    A file that a distribution brings.

    Attributes:
        distribution: The distribution's name.
        version: The one that has this very file.
        extras: The extras of ours that install it, and what it takes to run it.
        path: Where the file lies below the distribution's root.
        sha256: The file's SHA-256 in hexadecimal.
    """

    distribution: str
    version: str
    extras: str
    path: str
    sha256: str

    def find(self) -> Traversable:
        """
        Find the file, which may be in a zip.

        Raises:
            MissingExtraError: The distribution is not installed.
            ModelFileError: The distribution lacks the file, or was left out of a frozen program.
        """
        try:
            installed = metadata.distribution(self.distribution)
        except metadata.PackageNotFoundError as error:
            if is_frozen():
                raise ModelFileError(
                    f"the model's file {self.path} is missing. {self._advise()}"
                ) from error
            raise MissingExtraError(self.distribution, self.extras) from error
        found = cast("Traversable", installed.locate_file(self.path))
        if not found.is_file():
            raise ModelFileError(f"the model's file {found} is missing. {self._advise()}")
        return found

    def read(self) -> bytes:
        """
        Read the file and check it.

        Raises:
            MissingExtraError: The distribution is not installed.
            ModelFileError: The file cannot be read, or is another one.
        """
        file = self.find()
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ModelFileError(
                f"cannot read the model's file {file}: {error.strerror}. {self._advise()}"
            ) from error
        self.verify(content)
        return content

    def verify(self, content: bytes) -> None:
        """
        Check that `content` is the file's.

        Raises:
            ModelFileError: Its SHA-256 is another.
        """
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ModelFileError(
                f"the file {self.path} of {self.distribution} has the SHA-256 {digest}, not "
                f"{self.sha256}. {self._advise()}"
            )

    def _advise(self) -> str:
        if is_frozen():
            package = self.path.partition("/")[0]
            return (
                "This program was built without it: with PyInstaller, build it again with "
                f"--copy-metadata {self.distribution} --collect-data {package}"
            )
        return (
            "Install it again with: pip install --force-reinstall --no-deps "
            f"{self.distribution}=={self.version}"
        )
