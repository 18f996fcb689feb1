"""Who may use the embedded server: its key, its names, its address."""

import os
import re
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from openrouter_rerank.cli._errors import CommandError, UsageError, print_error

MAX_KEY_CHARACTERS = 1 << 16
KEY_VARIABLE = "OPENROUTER_SERVE_API_KEY"
ALLOW_HOST_VARIABLE = "OPENROUTER_SERVE_ALLOW_HOST"


def warn_of_access(host: str, api_key: str | None) -> None:
    """Warn if others can use the server without a key."""
    from openrouter_rerank.local._server.listener import is_loopback

    if host and api_key is None and not is_loopback(host):
        print_error(
            f"warning: everyone who reaches {host} may use this server. "
            f"Set {KEY_VARIABLE} or --api-key-file to ask for a key."
        )


def read_key(file: Path | None) -> str | None:
    """
    Read the key that clients must send.

    Args:
        file: Holds the key and nothing else; white space around it is ignored. None takes the
            value of `OPENROUTER_SERVE_API_KEY`.

    Returns:
        The key; None if there is no file and the variable is unset or empty.

    Raises:
        CommandError: The key is not one word of ASCII.
        UsageError: The file cannot be read.
    """
    if file is None:
        source, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None
    else:
        source, key = str(file), _read_text(file).strip()
    # A bearer token cannot be anything else (RFC 6750, section 2.1).
    if not (
        len(key) <= MAX_KEY_CHARACTERS
        and key.isascii()
        and key.isprintable()
        and key.split() == [key]
    ):
        raise CommandError(f"{source} does not hold a key. Put one word of ASCII there.")
    return key


def read_allowed_hosts(given: Sequence[str]) -> Sequence[str]:
    """
    Read the further names that the server answers for.

    Args:
        given: Those of the command line; if there are none, those of
            `OPENROUTER_SERVE_ALLOW_HOST` count.

    Raises:
        UsageError: One is no name or address, as with a scheme or a port.
    """
    source, hosts = "--allow-host", [host.strip() for host in given]
    if not hosts:
        source, text = ALLOW_HOST_VARIABLE, os.environ.get(ALLOW_HOST_VARIABLE, "")
        hosts = [host.strip() for host in text.split(",") if host.strip()]
    for host in hosts:
        if not is_host(host):
            raise UsageError(
                f"{source}: {host!r} is no host. Give a name or an address, without a port."
            )
    return hosts


def is_host(text: str) -> bool:
    """Tell whether text is a host's name or address, as `Host` has it (RFC 9110, section 7.2)."""
    if re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", text):
        return True
    try:
        ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _read_text(file: Path) -> str:
    try:
        with file.open(encoding="utf-8-sig") as stream:
            # More is no key, and a device has no end.
            return stream.read(MAX_KEY_CHARACTERS + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}. Check --api-key-file.") from error
    except ValueError:
        # The chained error would show the bytes, which may be a key.
        raise CommandError(f"{file} does not hold a key. Put one word of ASCII there.") from None
