"""The program in its own window: what that needs, and that nobody but our own page gets the microphone in it.

On Linux the window is Qt's: pywebview's GTK window never gives a page the microphone. On Windows and macOS it is the
system's own web view, and the system asks.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from voice_ui.errors import SettingsError
from voice_ui.settings import has_display

SIZE = (480, 860)
"""Pixels: one column, as on a phone."""

ASKS_NOBODY = "--use-fake-ui-for-media-stream"
"""Chromium's switch with which pywebview gives the microphone to every page that is shown in its Qt window."""


def check() -> None:
    """Raise SettingsError if no window can be shown, with the command that cures it."""
    if not _has_toolkit():
        raise SettingsError("""--native needs extra packages: pip install -e ".[native]" """.rstrip())
    if not has_display():
        raise SettingsError("--native needs a display: set DISPLAY or WAYLAND_DISPLAY, or start without --native")


def start_args(url: str) -> dict[str, Any]:
    """Return what `webview.start` needs to show the page at that address, which is given the microphone."""
    return {"gui": _Qt(url)} if sys.platform == "linux" else {}


def _has_toolkit() -> bool:
    if not find_spec("webview"):
        return False
    if sys.platform != "linux":
        return True
    return bool(find_spec("qtpy")) and any(
        find_spec(binding) and find_spec(f"{binding}.QtWebEngineCore") for binding in ("PySide6", "PyQt6")
    )


class _Qt(str):
    """The name of the toolkit. On its way to the window's process it is pickled; there it arrives with an effect."""

    def __new__(cls, url: str) -> _Qt:
        name = super().__new__(cls, "qt")
        name._url = url
        return name

    _url: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrive, (self._url,)


def _arrive(url: str) -> str:
    """In the window's process, before there is a window: let the page be asked for, and answer for our own only."""
    qt: Any = import_module("webview.platforms.qt")
    append = qt.environ_append

    def environ_append(name: str, *words: str) -> None:
        append(name, *(word for word in words if word != ASKS_NOBODY))

    def answer(page: Any, origin: Any, feature: Any) -> None:
        kind = type(page)
        is_ours = origin.toString().rstrip("/") == url and feature == kind.Feature.MediaAudioCapture
        policy = kind.PermissionPolicy
        answered = policy.PermissionGrantedByUser if is_ours else policy.PermissionDeniedByUser
        page.setFeaturePermission(origin, feature, answered)

    qt.environ_append = environ_append
    qt.BrowserView.WebPage.onFeaturePermissionRequested = answer  # its own passes a number where Qt wants a name
    return "qt"
