"""Opening the page where there is a desktop to open it on."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

#: Browsers of the terminal, which would take it away from whoever reads our lines there.
_IN_TERMINAL = frozenset({"www-browser", "links", "elinks", "lynx", "w3m"})


def open_in_browser(url: str) -> None:
    """Open the page in a graphical browser, if there is one. Does not wait, whatever the browser does."""
    if not has_desktop(sys.platform, os.environ):  # noqa: TID251 - a person's desktop is known by its environment
        return
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if getattr(browser, "name", "") not in _IN_TERMINAL:
        # Some browsers are waited for until they end: that must hold up neither the demo nor its end.
        threading.Thread(target=browser.open, args=(url,), daemon=True).start()


def has_desktop(platform: str, environment: Mapping[str, str]) -> bool:
    """Tell whether somebody sits in front of a screen: macOS, or a display of X11 or Wayland."""
    return platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
