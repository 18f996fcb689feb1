"""A real browser: Debian's Chromium, without a window, as playwright drives it."""

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium")
PHONE, DESKTOP = 390, 1200
SCHEMES = ("light", "dark")

# Each window of Chromium's loads two pages of its own for the list below the address, which cost
# more than a page of ours, and a process begun for the next page is one too many for a test.
# Chromium heeds the last such argument alone, so what playwright turns off for the sake of calm and
# quiet stands here too.
_DISABLED_FEATURES = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
    "SpareRendererForSitePerProcess",
    "AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)  # fmt: skip
ARGUMENTS = (f"--disable-features={','.join(_DISABLED_FEATURES)}",)

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: chromium)")


class OpenPage:
    """A page that is open, with all that the browser said and asked for meanwhile."""

    def __init__(self, page: "Page", address: str) -> None:
        """Open it."""
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self._dismiss(dialog.message, dialog.dismiss))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(address)

    def measure(self, expression: str) -> Any:
        """Evaluate an expression from outside of the page, whose policy allows it none."""
        return self.page.evaluate(expression)

    def _dismiss(self, message: str, dismiss: Callable[[], None]) -> None:
        self.said.append(message)
        dismiss()
