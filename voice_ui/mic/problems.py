"""The browser's words for what is wrong with a microphone, and our codes for them. Pure."""

from __future__ import annotations

NOT_LIVE = frozenset({"mic-no-frames", "mic-suspended", "mic-muted"})
"""While one of these hints stands, no sound is coming in."""

HINTS = NOT_LIVE | {"mic-prompt-pending", "mic-silent", "mic-kept", "page-polling"}
"""Problems that need not end the capture; mic.js names them by their code."""

STAYING = frozenset({"mic-muted", "mic-kept", "page-polling"})
"""Hints that the first sound of a capture does not take back: mic.js says when they are over, or the capture ends."""

NAMES = {
    "NotAllowedError": "mic-refused",
    "SecurityError": "mic-blocked-by-policy",
    "NotFoundError": "mic-none",
    "OverconstrainedError": "mic-none",
    "NotReadableError": "mic-busy",
    "AbortError": "mic-busy",
    "ended": "mic-lost",
    "withdrawn": "mic-permission-withdrawn",
}
"""The browser's name for an error (Media Capture and Streams, getUserMedia), and our code for it. `ended` is an event
of tracks; mic.js calls it `withdrawn` if the permission went with the track."""


def code_of(
    name: str,
    detail: str = "",
    *,
    secure: bool = True,
    api: bool = True,
    allowed: bool = True,
    opened: bool = False,
    permission: str = "",
) -> str:
    """Return our code for the browser's name and message of an error.

    The rest is what the page knows: whether it is a `secure` context, has the `api`, is `allowed` the microphone by the
    policy it was served with, had `opened` the device already, and the state of the `permission` now.
    """
    if name in HINTS:
        return name
    if not api:
        return "mic-unsupported" if secure else "mic-insecure-origin"
    if opened and name not in {"ended", "withdrawn"}:
        return "mic-failed"
    code = NAMES.get(name, "mic-failed")
    if code == "mic-refused":
        # Chromium's words: "Permission denied", "Permission dismissed", "Permission denied by system". Other browsers
        # have one sentence for all; with them, a permission that is still open means that nobody said no for good.
        words = detail.lower()
        if "by system" in words or not allowed:
            return "mic-blocked-by-policy"
        if "dismissed" in words or ("permission denied" not in words and permission == "prompt"):
            return "mic-dismissed"
    return code
