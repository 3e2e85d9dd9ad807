"""What the owner chose, read once at the start."""

from voice_ui.settings.proxies import Proxies, plain_address
from voice_ui.settings.settings import COMMAND_LINE, Settings, is_this_machine, read
from voice_ui.settings.sources import certificates, has_display, limit_native_threads, load
from voice_ui.settings.table import OPTIONS, SETTINGS
from voice_ui.settings.values import Secret

__all__ = [
    "COMMAND_LINE",
    "OPTIONS",
    "SETTINGS",
    "Proxies",
    "Secret",
    "Settings",
    "certificates",
    "has_display",
    "is_this_machine",
    "limit_native_threads",
    "load",
    "plain_address",
    "read",
]
