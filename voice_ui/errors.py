"""The error tree, and the code of everything that can go wrong. No words for the page: they are in page/messages.py.

    VoiceUIError
    ├── SettingsError           a setting is wrong; the program does not start
    └── SessionError            carries a `Problem`
        ├── Refused             the server answered and refused: retrying without a change cannot help
        └── ConnectionFailed    no connection was made, or an existing one was lost: retrying may help

Pure. Foreign errors are translated into these at the door through which they come in (transport, mic, settings),
chained with `from`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from voice_ui.redaction import redact

Where = Literal["microphone", "connection", "server", "reply", "image", "limits"]

ENDPOINT_FACTS = ("server", "model", "address")
"""Known to everybody who talks to a server: its name, the model, and the setting that holds the address."""


@dataclass(frozen=True)
class Code:
    """What is known about a problem by its code alone."""

    where: Where
    retry: bool
    """Whether pressing Start again, with nothing changed, can help."""
    facts: tuple[str, ...] = ()
    """Names of the facts without which its message cannot be written."""
    wire: tuple[str, ...] = ()
    """Error codes, error types and close codes of the realtime protocol that mean this (openai 3.54,
    types/realtime/realtime_error.py). The facts of such a code are all in `ENDPOINT_FACTS`."""


CODES: dict[str, Code] = {
    # The microphone.
    "mic-refused": Code("microphone", True),
    "mic-dismissed": Code("microphone", True),
    "mic-permission-withdrawn": Code("microphone", True),
    "mic-muted": Code("microphone", False),
    "mic-prompt-pending": Code("microphone", False),
    "mic-blocked-by-policy": Code("microphone", True),
    "mic-insecure-origin": Code("microphone", False),
    "mic-unsupported": Code("microphone", False),
    "mic-none": Code("microphone", True),
    "mic-busy": Code("microphone", True),
    "mic-kept": Code("microphone", False),
    "mic-lost": Code("microphone", True),
    "mic-suspended": Code("microphone", True),
    "mic-no-frames": Code("microphone", True),
    "mic-silent": Code("microphone", False),
    "mic-failed": Code("microphone", True),
    "mic-gap": Code("microphone", False, ("seconds",)),
    # The connection.
    "server-unreachable": Code("connection", True, ("server", "address")),
    "server-not-found": Code("connection", True, ("server", "address")),
    "server-timeout": Code("connection", True, ("server", "seconds")),
    "tls-failed": Code("connection", False, ("server",)),
    "clock-wrong": Code("connection", False, ("server",)),
    "proxy-refused": Code("connection", True, ("server",)),
    "proxy-unreachable": Code("connection", True, ("proxy", "setting")),
    "proxy-invalid": Code("connection", False, ("setting",)),
    "proxy-unsupported": Code("connection", False, ("setting",)),
    "certificates-missing": Code("connection", False, ("setting",)),
    "not-realtime": Code("connection", False, ("server", "address")),
    "server-failed": Code("connection", True, ("server",), wire=("server_error", "1011", "1012")),
    "connection-lost": Code("connection", True, ("server",)),
    "server-silent": Code("connection", True, ("server", "seconds")),
    "message-malformed": Code("connection", False, ("server",)),
    "message-oversized": Code("connection", False, ("server",), wire=("1009",)),
    "webrtc-no-route": Code("connection", False, ("server",)),
    "webrtc-unsupported": Code("connection", False, ("server",)),
    "audio-lost": Code("connection", False, ("seconds", "server")),
    "audio-dropped": Code("connection", False, ("seconds", "server")),
    "page-polling": Code("connection", False),
    "program-silent": Code("connection", True),
    "program-restarting": Code("connection", True),
    "program-restarted": Code("connection", True),
    "conversation-kept": Code("connection", True),
    "conversation-unverified": Code("connection", True),
    "conversation-gone": Code("connection", True),
    "program-error": Code("connection", True),
    # The server refuses, or would.
    "no-key": Code("server", False, ("server",)),
    "key-placeholder": Code("server", False, ("server", "source")),
    "model-retired": Code("server", False, ("server", "model", "date", "successor")),
    "model-retiring": Code("server", False, ("server", "model", "date", "successor")),
    "key-refused": Code("server", False, ("server",), wire=("invalid_api_key", "invalid_authentication", "3000")),
    "no-access": Code("server", False, ("server", "model"), wire=("model_not_found", "4004")),
    "model-unknown": Code(
        "server", False, ("server", "model"), wire=("invalid_model", "missing_model", "DeploymentNotFound")
    ),
    "server-refused": Code("server", False, ("server",), wire=("1008",)),
    "session-refused": Code("server", False, ("server",)),
    "beta-disabled": Code("server", False, ("server",), wire=("beta_api_shape_disabled",)),
    "no-quota": Code(
        "server", False, wire=("insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached")
    ),
    "rate-limited": Code(
        "server", True, ("server",), wire=("rate_limit_exceeded", "inference_rate_limit_exceeded", "429")
    ),
    "session-limit": Code("server", True, ("server",), wire=("session_limit_reached",)),
    "session-expired": Code("server", True, ("server",), wire=("session_expired",)),
    "update-rejected": Code("server", False, ("server",)),
    "config-differs": Code("server", False, ("server", "param")),
    "server-error": Code("server", True, ("server",)),
    "server-said": Code("server", True, ("server",)),
    # The reply.
    "speaker-blocked": Code("reply", False),
    "speaker-failed": Code("reply", True),
    "voice-echo": Code("reply", False),
    "response-failed": Code("reply", True),
    "response-incomplete": Code("reply", True),
    "response-filtered": Code("reply", False, wire=("content_filter",)),
    "response-cancelled": Code("reply", True, wire=("client_cancelled",)),
    "response-missing": Code("reply", True, ("seconds",)),
    "reply-empty": Code("reply", True),
    "transcription-failed": Code("reply", True),
    "speech-undetected": Code("reply", False, ("server",), wire=("turn_detection_unavailable",)),
    # What is shown to the model.
    "image-unreadable": Code("image", False),
    "image-refused": Code("image", False, ("server",)),
    "camera-failed": Code("image", False),
    "file-unreadable": Code("image", False),
    # The chat model behind the practice server.
    "chat-unreachable": Code("reply", True, wire=("chat_unreachable",)),
    "chat-model-missing": Code("reply", True, wire=("chat_model_missing",)),
    "chat-key-refused": Code("reply", False, wire=("chat_key_refused",)),
    "chat-out-of-memory": Code("reply", False, wire=("chat_out_of_memory",)),
    "chat-busy": Code("reply", True, wire=("chat_busy",)),
    "chat-failed": Code("reply", True, wire=("chat_failed",)),
    "chat-refused": Code("reply", False, wire=("chat_refused", "context_length_exceeded")),
    "chat-timeout": Code("reply", True, wire=("chat_timeout",)),
    "chat-malformed": Code("reply", False, wire=("chat_malformed",)),
    # The owner's limits.
    "room-full": Code("limits", True, ("seats",)),
    "time-limit": Code("limits", True, ("minutes",)),
    "idle-limit": Code("limits", True, ("minutes",)),
    "hidden-limit": Code("limits", True, ("minutes",)),
    "visitor-seats": Code("limits", True, ("seats",)),
    "cost-limit": Code("limits", False, ("limit",)),
    "cost-limit-visitor": Code("limits", False, ("limit",)),
    "cost-limit-day": Code("limits", False, ("limit",)),
    "cost-limit-total": Code("limits", False, ("limit",)),
    "cost-unknown": Code("limits", False, ("server", "model")),
    "cost-unreported": Code("limits", False, ("server",)),
    "cost-unrecorded": Code("limits", True),
    "store-away": Code("limits", True, ("store",)),
    "stopped-by-owner": Code("limits", True),
}

_BY_WIRE = {wire: name for name, code in CODES.items() for wire in code.wire}


@dataclass(frozen=True)
class Problem:
    """Something that went wrong. Raises ValueError if facts that its message needs are missing."""

    code: str
    """One of `CODES`."""
    detail: str = ""
    """The other side's own message, redacted."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Values used in the message, such as `server` or `seconds`; may contain more than `Code.facts`."""
    recovering: bool = False
    """Whether a retry is under way, so that the user need not act."""

    def __post_init__(self) -> None:
        # Checked here and not where the message is shown: the traceback then points to the mistake.
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not one of CODES")
        if missing := [name for name in CODES[self.code].facts if name not in self.facts]:
            raise ValueError(f"{self.code} needs {', '.join(missing)}")
        # The one door through which words from outside come in: no secret of ours goes any further.
        object.__setattr__(self, "detail", redact(self.detail))
        object.__setattr__(self, "facts", {name: redact(fact) for name, fact in self.facts.items()})

    @property
    def where(self) -> Where:
        """The area it belongs to: microphone, connection, server, reply or limits."""
        return CODES[self.code].where

    @property
    def retry(self) -> bool:
        """Whether pressing Start again, with nothing changed, can help."""
        return CODES[self.code].retry


class VoiceUIError(Exception):
    """Anything we raise on purpose."""


class SettingsError(VoiceUIError):
    """A setting is wrong; the message is one line that names it, where it came from and what is allowed."""


class SessionError(VoiceUIError):
    """A session could not be opened, or was lost; carries a `Problem`."""

    def __init__(self, code: str, detail: str = "", **facts: str) -> None:
        self.problem = Problem(code, detail, facts)
        super().__init__(f"{code}: {self.problem.detail}" if detail else code)


class Refused(SessionError):
    """The server answered and refused: retrying without a change cannot help."""


class ConnectionFailed(SessionError):
    """No connection was made, or an existing one was lost: retrying may help."""


def code_from_wire(*words: str | int | None, default: str) -> str:
    """Return our code for the first word that has one: error codes, types, close codes or reasons."""
    for word in words:
        # NOTE: OpenAI gives the reason of a close as "<type>.<code>" (protocol facts, section 5).
        for part in (str(word), *reversed(str(word).split("."))):
            if part in _BY_WIRE:
                return _BY_WIRE[part]
    return default
