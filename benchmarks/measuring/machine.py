"""The machine and the versions of a run, without which its figures mean nothing."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .adapters import ROWS

MORE_PACKAGES = (
    "httpcore",
    "anyio",
    "sniffio",
    "httpx2",
    "attrs",
    "httpx-aiohttp",
    "pydantic",
    "onnxruntime",
)
CPU_INFORMATION = Path("/proc/cpuinfo")


def describe_machine(server_name: str, load: float) -> dict[str, str]:
    """
    Describe the machine, the day and the versions.

    Args:
        server_name: What answered.
        load: The load average before the run; a quiet machine is near 0.
    """
    system = f"{platform.system()} {platform.release().partition('-')[0]}, {platform.machine()}"
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{os.cpu_count()} processors, {find_processor()}",
        "system": system,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": f"{load:.1f} processes, the minute before",
        "server": server_name,
        "packages": ", ".join(find_versions()),
    }


def find_processor() -> str:
    """Return the processor's name as the system has it."""
    if CPU_INFORMATION.exists():
        for line in CPU_INFORMATION.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def find_versions() -> list[str]:
    """Return the measured packages with their versions."""
    found: list[str] = []
    for name in dict.fromkeys([adapter.packages[0] for adapter in ROWS] + [*MORE_PACKAGES]):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
