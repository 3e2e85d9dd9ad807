"""Every way a realtime server can fail, on demand: the catalogue behind `--fault NAME`. Pure.

A fault stands in front of a healthy server: in the handshake, in the greeting, in the replies, or between a session
and its client (see `bends`). Codes and close codes are those of dated captures of the live service.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.servers.faulty import acts, bends
from tests.servers.faulty.bends import Bend
from voice_ui.offline.connection import Act


@dataclass(frozen=True)
class Handshake:
    """The upgrade is answered with something else, and so is every other request."""

    status: int
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Silence:
    """The upgrade is never answered."""


@dataclass(frozen=True)
class Refusal:
    """The upgrade is accepted, an `error` event is the only word, and the connection is closed."""

    code: str
    message: str
    close_code: int
    kind: str = "invalid_request_error"


@dataclass(frozen=True)
class Expiry:
    """The session is over after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class FixedReply:
    """Every question is answered with this, in these pieces."""

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Bent:
    """Something comes between a session and its client, a new one for each."""

    bend: Callable[[], Bend]


Behaviour = Handshake | Silence | Refusal | Expiry | FixedReply | Bent


@dataclass(frozen=True)
class Fault:
    """One row of the catalogue."""

    name: str
    about: str
    behaviour: Behaviour
    adjusted: Callable[[float], Behaviour] | None = None
    """The behaviour for a number given after the name, where it takes one."""


def parse(text: str) -> Fault:
    """Return the fault called `NAME` or `NAME:NUMBER`; raises ValueError."""
    name, colon, number = text.partition(":")
    if name not in FAULTS:
        raise ValueError(f"there is no fault called '{name}'; see --fault list")
    fault = FAULTS[name]
    if not colon:
        return fault
    if fault.adjusted is None:
        raise ValueError(f"the fault '{name}' takes no number")
    try:
        value = float(number)
    except ValueError:
        value = -1
    if not 0 < value < 1e6:
        raise ValueError(f"the fault '{name}' takes a number above 0 after the colon, not '{number}'")
    return replace(fault, behaviour=fault.adjusted(value))


def listing() -> str:
    """Return the catalogue as text, a line for each."""
    return "".join(f"{fault.name:28}{fault.about}\n" for fault in FAULTS.values())


def _http(status: int, code: str, message: str, **headers: str) -> Handshake:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Handshake(status, json.dumps({"error": error}), headers=named)


def _busy(seconds: float) -> Handshake:
    return _http(429, "rate_limit_exceeded", "Rate limit reached for requests.", Retry_After=f"{seconds:.0f}")


def _failed(code: str, message: str) -> Bent:
    error = {"type": code, "code": code, "message": message}
    return Bent(lambda: bends.Ending("failed", {"error": error}))


def _cut(status: str, reason: str) -> Bent:
    return Bent(lambda: bends.Ending(status, {"reason": reason}, after_deltas=3))


def _hangup(after: str, end: Act, error: tuple[str, str] | None = None) -> Bent:
    return Bent(lambda: bends.Hangup(after, end, error))


LOGIN_PATH = "/login"
WEB_PAGE = Handshake(
    200,
    "<!doctype html><title>Welcome</title><h1>Welcome</h1><p>A web site, not a realtime server.</p>\n",
    "text/html; charset=utf-8",
)

_NO_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_TOO_FAST = "Rate limit reached. Limit 40000, used 40000. Please try again in 20s."
_NO_BETA = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."

BETA_DISABLED = Refusal("beta_api_shape_disabled", _NO_BETA, 4000)

_MARKUP = (
    "Markup is shown, not obeyed: ",
    "<script>document.title = 'taken over'</script> ",
    "<img src=x onerror=\"document.title = 'taken over'\"> ",
    "**not bold** `code` [link](javascript:alert(1)) ",
    "&lt;b&gt; & ]]> {{ 7 * 7 }} ${7 * 7}\n",
    "# no heading\n- and a second line",
)
_LONG = tuple(f"{number:4}. " + "This reply is long on purpose. " * 6 + "It goes on.\n" for number in range(1, 101))

_SPEECH = "input_audio_buffer.speech_started"
_CREATED = "response.created"

_ROWS = (
    # The handshake.
    Fault("handshake-401", "HTTP 401", _http(401, "invalid_api_key", "Incorrect API key provided.")),
    Fault("handshake-403", "HTTP 403", _http(403, "forbidden", "You are not allowed to do this.")),
    Fault("handshake-404", "HTTP 404", _http(404, "DeploymentNotFound", "The deployment does not exist.")),
    Fault("handshake-429", "HTTP 429 with Retry-After (:20 seconds)", _busy(20), _busy),
    Fault("handshake-500", "HTTP 500", _http(500, "server_error", "The server had an error.")),
    Fault("handshake-redirect", "HTTP 302 to a web page", Handshake(302, headers={"Location": LOGIN_PATH})),
    Fault("handshake-silent", "the upgrade is never answered", Silence()),
    Fault("html", "HTTP 200 with a web page", WEB_PAGE),
    # The greeting.
    Fault("key-refused", "error invalid_api_key, close 3000",
          Refusal("invalid_api_key", "Incorrect API key provided.", 3000)),
    Fault("no-model-access", "error model_not_found, close 4004",
          Refusal("model_not_found", "The model does not exist or you do not have access to it.", 4004)),
    Fault("model-retired", "error model_not_found, close 4004",
          Refusal("model_not_found", "The model has been deprecated.", 4004)),
    Fault("model-unknown", "error invalid_model, close 4000",
          Refusal("invalid_model", "The model is not supported in realtime mode.", 4000)),
    Fault("beta-disabled", "error beta_api_shape_disabled, close 4000", BETA_DISABLED),
    Fault("no-quota", "error credit_balance_exhausted of type insufficient_quota, close 1013",
          Refusal("credit_balance_exhausted", _NO_QUOTA, 1013, "insufficient_quota")),
    Fault("session-limit", "error session_limit_reached, close 1013",
          Refusal("session_limit_reached", "All sessions are taken.", 1013, "server_error")),
    Fault("no-session-created", "nothing is ever said after the handshake", Bent(bends.Mute)),
    # The configuration.
    Fault("no-session-updated", "session.update is never answered", Bent(lambda: bends.Mute("session.updated"))),
    Fault("update-rejected", "session.update is refused: error unknown_parameter", Bent(bends.UpdateRejected)),
    Fault("update-ignored", "session.updated shows the defaults, whatever was asked", Bent(bends.UpdateIgnored)),
    # The reply.
    Fault("transcription-failed", "input_audio_transcription.failed for every turn", Bent(bends.TranscriptionFailed)),
    Fault("response-failed", "response.done failed: server_error", _failed("server_error", "The server had an error.")),
    Fault("rate-limited", "response.done failed: rate_limit_exceeded", _failed("rate_limit_exceeded", _TOO_FAST)),
    Fault("quota-in-response", "response.done failed: insufficient_quota", _failed("insufficient_quota", _NO_QUOTA)),
    Fault("response-incomplete-filter", "response.done incomplete: content_filter, after three deltas",
          _cut("incomplete", "content_filter")),
    Fault("response-incomplete-tokens", "response.done incomplete: max_output_tokens, after three deltas",
          _cut("incomplete", "max_output_tokens")),
    Fault("response-cancelled", "response.done cancelled, after three deltas", _cut("cancelled", "client_cancelled")),
    Fault("reply-markup", "the reply is full of HTML and Markdown", FixedReply(_MARKUP)),
    Fault("reply-long", "the reply has 20,000 characters", FixedReply(_LONG)),
    # The connection.
    Fault("expired", "error session_expired, close 1001 (:3 seconds)", Expiry(3), Expiry),
    Fault("lost", "the connection drops when speech starts", _hangup(_SPEECH, acts.abort)),
    Fault("half-open", "from the start of speech nothing is read or written, nothing closed",
          _hangup(_SPEECH, acts.freeze)),
    Fault("server-error", "error server_error, close 1011, when a reply begins",
          _hangup(_CREATED, acts.close(1011, "server_error"), ("server_error", "The server had an error."))),
    Fault("server-restart", "close 1012 when a reply begins", _hangup(_CREATED, acts.close(1012, "service restart"))),
    Fault("stall", "audio is taken, nothing is ever answered", Bent(bends.Deaf)),
    Fault("stall-reply", "a reply is begun, and nothing more comes of it",
          Bent(lambda: bends.Mute("response.output", "response.content", "response.text", "response.audio",
                                   "response.done", "rate_limits"))),
    Fault("slow", "every event comes late (:300 milliseconds)", Bent(lambda: bends.Slow(0.3)),
          lambda ms: Bent(lambda: bends.Slow(ms / 1000))),
    Fault("garbage", "nonsense before every event: no JSON, wrong shapes, unknown types, binary",
          Bent(bends.Garbage)),
    Fault("oversized", "a delta of 17 MiB", Bent(bends.Oversized)),
)  # fmt: skip

FAULTS = {fault.name: fault for fault in _ROWS}
"""The catalogue, by name."""
