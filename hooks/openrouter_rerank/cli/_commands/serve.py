"""The embedded server as the command starts it."""

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from openrouter_rerank.cli._errors import CommandError, complain, local_failures, refused_arguments
from openrouter_rerank.cli._exit_status import USAGE

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8787
KEY_VARIABLE = "OPENROUTER_SERVE_API_KEY"


@dataclass(frozen=True, slots=True)
class FaultOptions:
    """
    What the command line says of faults, see `openrouter_rerank.local.Faults`.

    Attributes:
        fail: Names of outcomes, separated by commas.
        retry_after: In seconds; None is the contract's example.
        delay: A time with its unit, `ms` or `s`.
        drop: How likely a reset is, from 0 to 1.
        seed: Makes the drops the same in each run; None makes them anew.
    """

    fail: str = ""
    retry_after: int | None = None
    delay: str = "0s"
    drop: float = 0.0
    seed: int | None = None


NO_FAULTS = FaultOptions()


def run_server(host: str, port: int, api_key: str | None, faults: FaultOptions = NO_FAULTS) -> None:
    """
    Serve until a signal ends it; warn when others can reach it without a key.

    Args:
        host: The address or name to listen on.
        port: The port; 0 takes a free one.
        api_key: The key that clients must send; None asks for none.
        faults: How requests are to fail.

    Raises:
        CommandError: When the address cannot be listened on, or the extra `local` is missing; for
            an empty host and for faults that there are not (status 2).
    """
    if host and api_key is None and not is_loopback(host):
        complain(
            f"warning: everyone who reaches {host} may use this server. "
            f"Set {KEY_VARIABLE} or --api-key-file to ask for a key."
        )
    with local_failures(), refused_arguments("serve"):
        from openrouter_rerank.local import Faults, serve
        from openrouter_rerank.local._faults.config import parse_delay

        serve(
            host=host,
            port=port,
            api_key=api_key,
            faults=Faults(
                faults.fail,
                retry_after=faults.retry_after,
                delay=parse_delay(faults.delay),
                drop=faults.drop,
                seed=faults.seed,
            ),
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
        CommandError: When the file cannot be read (status 2), or the key is not one word of ASCII.
    """
    if file is None:
        source, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            return None
    else:
        source, key = str(file), _read_text(file).strip()
    # A bearer token has no room for anything else (RFC 6750, section 2.1).
    if not (key.isascii() and key.isprintable() and key.split() == [key]):
        raise CommandError(f"{source} does not hold a key. Put one word of ASCII there.")
    return key


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(
            f"cannot read {file}: {error.strerror}. Check --api-key-file.", USAGE
        ) from error
    except ValueError:
        # The chained error would show the bytes, which may be a key.
        raise CommandError(f"{file} does not hold a key. Put one word of ASCII there.") from None
