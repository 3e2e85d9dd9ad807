"""Moves events between us and a realtime server; knows no meaning. Library errors become ours here.

A transport sends client events in order and iterates over the server's messages as they came. The end of the
iteration is always an exception: `Refused` where the server said no, `ConnectionFailed` for everything else.
"""

from voice_ui.transport.dialer import Dialer, check
from voice_ui.transport.interface import Transport
from voice_ui.transport.websocket import connect

__all__ = ["Dialer", "Transport", "check", "connect"]
