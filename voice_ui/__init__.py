"""Voice conversations with realtime models: a panel for NiceGUI pages, a microphone element, and the session behind.

from voice_ui import VoicePanel
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voice_ui.errors import Problem
    from voice_ui.mic import Mic
    from voice_ui.page.panel import VoicePanel
    from voice_ui.protocol import SessionConfig
    from voice_ui.servers import Endpoint
    from voice_ui.session import RealtimeSession
    from voice_ui.speaker import Speaker
    from voice_ui.tools import ToolContext, tool

__all__ = [
    "Endpoint",
    "Mic",
    "Problem",
    "RealtimeSession",
    "SessionConfig",
    "Speaker",
    "ToolContext",
    "VoicePanel",
    "tool",
]

_MODULES = {
    "Endpoint": "servers",
    "Mic": "mic",
    "Problem": "errors",
    "RealtimeSession": "session",
    "SessionConfig": "protocol",
    "Speaker": "speaker",
    "ToolContext": "tools",
    "VoicePanel": "page.panel",
    "tool": "tools",
}


def __getattr__(name: str) -> Any:
    # Imported when first used: a session needs no NiceGUI, and the import of NiceGUI takes most of a second.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
