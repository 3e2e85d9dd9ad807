"""Every way a realtime server can fail, on demand.

python -m tests.servers.faulty --fault NAME[:NUMBER] [--port N] [--dialect beta]
python -m tests.servers.faulty --fault list
"""

from tests.servers.faulty.faults import FAULTS
from tests.servers.faulty.server import FaultyServer, serve

__all__ = ["FAULTS", "FaultyServer", "serve"]
