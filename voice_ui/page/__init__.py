"""The page: one browser tab is one session and one conversation; it shows, and never computes."""

from voice_ui.page.offer import Offer
from voice_ui.page.parking import Parking
from voice_ui.page.tab import Tab

__all__ = ["Offer", "Parking", "Tab"]
