"""`--native` without what it needs: one line that says what cures it."""

import pytest

from voice_ui import window
from voice_ui.errors import SettingsError


def test_without_the_extra_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r'pip install -e "\.\[native\]"$'):
        window.check()


def test_without_a_display_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "find_spec", lambda name: True)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="needs a display"):
        window.check()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    window.check()
