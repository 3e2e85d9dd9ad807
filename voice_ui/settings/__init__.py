"""What the owner chose, read once at the start."""

from voice_ui.settings.proxies import Proxies, plain_address
from voice_ui.settings.reading import COMMAND_LINE, check_serving, is_this_machine, read
from voice_ui.settings.settings import OPTIONS, SETTINGS, Settings
from voice_ui.settings.sources import certificates, has_display, limit_native_threads, load
from voice_ui.settings.values import LONGEST_KEYWORD, LONGEST_PROMPT, MOST_KEYWORDS, Secret, parts_of

__all__ = [
    "COMMAND_LINE",
    "LONGEST_KEYWORD",
    "LONGEST_PROMPT",
    "MOST_KEYWORDS",
    "OPTIONS",
    "SETTINGS",
    "Proxies",
    "Secret",
    "Settings",
    "certificates",
    "check_serving",
    "has_display",
    "is_this_machine",
    "limit_native_threads",
    "load",
    "parts_of",
    "plain_address",
    "read",
]
