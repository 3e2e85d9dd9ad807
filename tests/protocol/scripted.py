"""The scripted server, where tests looked for it first; it lives in `tests.servers`."""

from tests.servers.scripted import Script, ScriptedServer
from tests.servers.wire import Wire

__all__ = ["Script", "ScriptedServer", "Wire"]
