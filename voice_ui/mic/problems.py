"""The browser's words for what is wrong with a microphone, and our codes for them. Pure."""

from __future__ import annotations

HINTS = ("mic-prompt-pending", "mic-no-frames", "mic-suspended", "mic-silent")
"""Problems that need not end the capture; mic.js names them by their code."""

NAMES = {
    "NotAllowedError": "mic-refused",
    "SecurityError": "mic-blocked-by-policy",
    "NotFoundError": "mic-none",
    "OverconstrainedError": "mic-none",
    "NotReadableError": "mic-busy",
    "AbortError": "mic-busy",
    "ended": "mic-lost",
}
"""The browser's name (Media Capture and Streams, getUserMedia; `ended` is an event of tracks) and our code for it."""


def code_of(
    name: str, detail: str = "", *, secure: bool = True, api: bool = True, allowed: bool = True, opened: bool = False
) -> str:
    """Return our code for the browser's name and message of an error.

    What else decides: whether the page is `secure`, has the `api`, is `allowed` the microphone by the policy it was
    served with, and had `opened` the device already.
    """
    if name in HINTS:
        return name
    if not api:
        return "mic-unsupported" if secure else "mic-insecure-origin"
    if opened and name != "ended":
        return "mic-failed"
    code = NAMES.get(name, "mic-failed")
    if code == "mic-refused":
        # Chromium's words: "Permission denied", "Permission dismissed", "Permission denied by system".
        if "dismissed" in detail.lower():
            return "mic-dismissed"
        if "by system" in detail.lower() or not allowed:
            return "mic-blocked-by-policy"
    return code
