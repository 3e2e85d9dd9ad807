"""The words of the realtime protocol: what we say (`client`) and what we hear (`server`). Pure.

The vocabulary is that of the GA dialect; the names of the beta are understood as the same words.
"""

from voice_ui.protocol import client, server
from voice_ui.protocol.client import ClientEvent, SessionConfig
from voice_ui.protocol.dialect import Dialect, dialect_of
from voice_ui.protocol.server import ServerEvent, parse

__all__ = ["ClientEvent", "Dialect", "ServerEvent", "SessionConfig", "client", "dialect_of", "parse", "server"]
