"""The realtime protocol in both directions and both dialects: one class for each event. Pure.

`server` holds the events a server sends, and `parse` reads them leniently. `client` holds the events a client sends,
and `client.read` reads them strictly, for the practice server. `names` is the table of what the dialects call
differently.
"""

from voice_ui.protocol import client, server
from voice_ui.protocol.client import ClientEvent
from voice_ui.protocol.items import Part, WireItem
from voice_ui.protocol.names import Dialect, dialect_of
from voice_ui.protocol.reading import well_formed
from voice_ui.protocol.server import ServerEvent, parse
from voice_ui.protocol.session import INSTRUCTIONS, SessionConfig

__all__ = [
    "INSTRUCTIONS",
    "ClientEvent",
    "Dialect",
    "Part",
    "ServerEvent",
    "SessionConfig",
    "WireItem",
    "client",
    "dialect_of",
    "parse",
    "server",
    "well_formed",
]
