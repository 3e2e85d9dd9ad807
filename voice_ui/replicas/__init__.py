"""What several replicas of the program hold together, in Redis or Valkey: seats, sums, stopped visitors, the room.

Nothing that anybody said is stored there.
"""

from voice_ui.replicas.replica import Replica
from voice_ui.replicas.store import check

__all__ = ["Replica", "check"]
