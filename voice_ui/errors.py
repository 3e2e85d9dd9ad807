"""The error tree, and the catalogue: for everything that can go wrong its code, its cause and its cure.

    VoiceUIError
    ├── SettingsError           a setting is wrong; the program does not start
    └── SessionError            carries a `Problem` for the page
        ├── Refused             the server answered, and said no: trying again as it is cannot help
        └── ConnectionFailed    no session came about, or the one there was is gone: trying again may help

Pure. Foreign errors are translated into these at the door where they come in (transport, mic, settings), chained
with `from`. The page shows a `Problem`; its words are looked up here and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Where = Literal["microphone", "connection", "server", "reply", "limits"]


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue. `cause` and `fix` may name facts in braces, see `FACTS`."""

    code: str
    where: Where
    cause: str
    fix: str
    retry: bool
    """Whether pressing Start again, with nothing changed, can help."""
    wire: tuple[str, ...] = ()
    """Codes and types of the realtime protocol that mean this (openai 3.54, types/realtime/realtime_error.py)."""


FACTS = {
    "server": "the server",
    "model": "the model",
    "seconds": "a few",
    "megabytes": "16",
    "minutes": "some",
    "dollars": "some",
    "setting": "the matching VOICE_UI_ setting",
    "address": "OPENAI_BASE_URL",
    "param": "field",
    "seats": "all",
    "source": "the settings",
    "date": "a day past",
    "successor": "a living model",
}
"""What stands in a text where the one who raised the error did not know better."""

_OPEN = "Click the icon left of the address, allow the microphone, and press Start again."
_SERVER = "Check {address} in .env.local, and the network; then press Start."

_ENTRIES = (
    # The microphone.
    Entry("mic-refused", "microphone", "The browser was told not to give this page the microphone.", _OPEN, True),
    Entry("mic-dismissed", "microphone", "The question for the microphone was closed without an answer.",
          "Press Start again and choose Allow.", True),
    Entry("mic-prompt-pending", "microphone", "The browser is waiting for an answer about the microphone.",
          "Look for its question near the address bar and choose Allow.", False),
    Entry("mic-blocked-by-policy", "microphone", "The system, or whoever manages this browser, blocks the microphone.",
          "Allow the browser to use the microphone in the system's privacy settings, then reload this page.", True),
    Entry("mic-insecure-origin", "microphone",
          "Browsers give the microphone only to https pages and to localhost, and this page is neither.",
          "Open it as http://localhost:PORT on the machine that runs it; for others, start it with --share.", False),
    Entry("mic-unsupported", "microphone", "This browser has no microphone interface.",
          "Open the page in a current Chrome, Edge, Firefox or Safari.", False),
    Entry("mic-none", "microphone", "No microphone was found.", "Plug one in, or switch it on, and press Start.", True),
    Entry("mic-busy", "microphone", "The microphone is there but another program holds it, or it failed to start.",
          "Close the other program or call, or plug the microphone in again, and press Start.", True),
    Entry("mic-lost", "microphone", "The microphone went away while you were speaking.",
          "Plug it in again and press Start; what you said until then is being answered.", True),
    Entry("mic-permission-withdrawn", "microphone",
          "The permission to use the microphone was withdrawn while this page was using it.",
          "Click the icon left of the address, allow the microphone again, and press Start.", True),
    Entry("mic-muted", "microphone", "The browser or the system has muted the microphone.",
          "Unmute it in the browser's tab or address bar, in the system's settings, or at the device.", False),
    Entry("mic-suspended", "microphone", "The browser keeps this page's audio suspended.",
          "Press Start again with this tab in front.", True),
    Entry("mic-no-frames", "microphone", "The microphone is open but delivers no sound at all.",
          "Choose another input in the system's sound settings, or restart the browser, and press Start.", True),
    Entry("mic-silent", "microphone", "Nothing but digital silence has come from the microphone for ten seconds.",
          "It may be muted, or be the wrong one: check its switch and the system's sound settings.", False),
    Entry("mic-failed", "microphone", "The browser could not start the microphone.",
          "Press Start again; if it stays so, restart the browser.", True),
    Entry("mic-gap", "microphone", "The page lost touch with its server and {seconds} s of sound could not be kept.",
          "Say the last sentence again.", False),
    # The way to the server.
    Entry("server-unreachable", "connection", "Nothing answers at {server}.",
          "Check that it is running, and {address} in .env.local; then press Start.", True),
    Entry("server-not-found", "connection", "The name {server} could not be looked up.", _SERVER, True),
    Entry("server-timeout", "connection", "{server} did not answer within {seconds} s.",
          "Check the network, or a proxy in the way, and press Start.", True),
    Entry("tls-failed", "connection", "No trusted encrypted connection to {server} could be made.",
          "Check the date of this machine, the certificate of the server, and any proxy in the way.", False),
    Entry("not-realtime", "connection", "{server} answered, but not as a realtime server.",
          "Check {address} in .env.local: it should end where /realtime begins, usually with /v1.", False),
    Entry("server-failed", "connection", "{server} failed while the connection was made.",
          "Wait a moment and press Start.", True, wire=("server_error", "1011", "1012")),
    Entry("connection-lost", "connection", "The connection to {server} was lost.",
          "It is tried again for a minute, and what you say is kept; after that press Start.", True),
    Entry("program-silent", "connection", "The program behind this page does not answer.",
          "Check that it still runs, and the network; half a minute of what you say is kept.", True),
    Entry("page-polling", "connection", "This page cannot open a websocket to its server, so replies come more slowly.",
          "If there is a proxy in between, let it upgrade websockets (the Upgrade and Connection headers).", False),
    Entry("program-restarted", "connection", "The program behind this page was restarted; the conversation is gone.",
          "Press Start to begin a new one.", True),
    Entry("server-silent", "connection", "{server} takes what you say, but does not react to {seconds} s of it.",
          "Press Stop and Start; if that does not help, the server has a fault.", True),
    Entry("proxy-refused", "connection", "A proxy between this program and {server} refused the connection.",
          "Check the proxy settings of the environment (HTTPS_PROXY, NO_PROXY), and press Start.", True),
    Entry("clock-wrong", "connection", "By the clock of this machine the certificate of {server} is not valid now.",
          "Set the date and time of this machine; if they are right, the server's certificate must be renewed.", False),
    Entry("message-malformed", "connection", "{server} sends messages that make no sense here.",
          "They are passed over; if replies are missing, check that it is a realtime server.", False),
    Entry("message-oversized", "connection", "{server} sent a message larger than {megabytes} MB.",
          "Check that it is a realtime server, and press Start.", False, wire=("1009",)),
    Entry("webrtc-no-route", "connection", "No WebRTC call to {server} came about, so the websocket is used.",
          "WebRTC needs UDP, which many networks block: set VOICE_UI_TRANSPORT=websocket.", False),
    Entry("webrtc-unsupported", "connection", "{server} takes no WebRTC call, so the websocket is used.",
          "Set VOICE_UI_TRANSPORT=websocket.", False),
    # The server says no, or would.
    Entry("no-key", "server", "{server} needs a key, and there is none.",
          "Write the key into .env.local (see .env.local.example) and restart.", False),
    Entry("key-placeholder", "server", "What stands in {source} does not look like a key of {server}.",
          "Put a valid key there (OpenAI's begin with sk-) and restart.", False),
    Entry("model-retired", "server", "{model} no longer exists: {server} shut it down on {date}.",
          "Use {successor} instead.", False),
    Entry("model-retiring", "server", "{server} will shut {model} down on {date}.",
          "Change to {successor} before that day.", False),
    Entry("key-refused", "server", "{server} does not accept the key.",
          "Put a valid key into .env.local (an environment variable of the same name wins over it) and restart.",
          False, wire=("invalid_api_key", "invalid_authentication", "3000")),
    Entry("no-access", "server", "The key has no access to {model}, or {server} has it no more.",
          "Choose another model with VOICE_UI_MODEL, or a key of a project that may use this one.",
          False, wire=("model_not_found", "4004")),
    Entry("model-unknown", "server", "{server} does not know a realtime model named {model}.",
          "Check VOICE_UI_MODEL in .env.local.", False, wire=("invalid_model", "missing_model")),
    Entry("server-refused", "server", "{server} ended the session and will not have it so.",
          "Check the key and the model; the details hold the server's own words.", False, wire=("1008",)),
    Entry("beta-disabled", "server", "{server} no longer speaks the beta dialect of the realtime protocol.",
          "Set VOICE_UI_DIALECT=ga.", False, wire=("beta_api_shape_disabled",)),
    Entry("no-quota", "server", "The account behind the key has no credit left.",
          "Add credit or raise the limit in the account's billing settings, then press Start.",
          False, wire=("insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached")),
    Entry("rate-limited", "server", "{server} is getting more requests from this account than it allows.",
          "Wait {seconds} s and try again.", True,
          wire=("rate_limit_exceeded", "inference_rate_limit_exceeded", "429")),
    Entry("session-limit", "server", "{server} has no session to spare at the moment.",
          "Wait until somebody has finished and press Start.", True, wire=("session_limit_reached",)),
    Entry("session-expired", "server", "The session reached the longest time {server} allows.",
          "Press Start to go on; the conversation is kept.", True, wire=("session_expired",)),
    Entry("update-rejected", "server", "{server} refused the session's settings because of one field: {param}.",
          "Change {setting} in .env.local and restart.", False),
    Entry("config-differs", "server", "{server} confirmed the session's settings, but with another {param} than asked.",
          "Replies may be slower or cost more than they need to; check what the server supports.", False),
    Entry("server-error", "server", "{server} could not accept something this program sent.",
          "The session goes on; if it keeps happening, please report it with the details.", True),
    # The reply.
    Entry("response-failed", "reply", "The model failed while replying.", "Say it again.", True),
    Entry("response-incomplete", "reply", "The model stopped before the reply was complete.", "Ask it to go on.", True),
    Entry("response-filtered", "reply", "The server's content filter stopped the reply.",
          "Put it in other words.", False, wire=("content_filter",)),
    Entry("response-cancelled", "reply", "The reply was cancelled before it was complete.", "Say it again.", True,
          wire=("client_cancelled",)),
    Entry("response-missing", "reply", "What you said was taken, but no reply came within {seconds} s.",
          "Say it again.", True),
    Entry("transcription-failed", "reply", "What you said could not be written down; the reply is not affected.",
          "If it stays so, set VOICE_UI_TRANSCRIPTION_MODEL to a model your account has.", True),
    # The owner's limits.
    Entry("room-full", "limits", "This demo serves {seats} at once, and all seats are taken.",
          "Wait until somebody has finished and press Start.", True),
    Entry("time-limit", "limits", "You have been talking for {minutes} minutes, the longest the owner allows at once.",
          "Press Start to go on; the conversation is kept.", True),
    Entry("idle-limit", "limits", "Nobody has spoken for {minutes} minutes, so the microphone was closed.",
          "Press Start to go on; the conversation is kept.", True),
    Entry("hidden-limit", "limits", "This tab was out of sight for {minutes} minutes, so the microphone was closed.",
          "Press Start to go on; the conversation is kept.", True),
    Entry("cost-limit", "limits", "This conversation has cost {dollars} dollars, the most the owner allows.",
          "Open the page in a new tab for a new conversation, or raise VOICE_UI_MAX_COST.", False),
    Entry("stopped-by-owner", "limits", "The owner of this demo has stopped the microphone.",
          "Ask them; press Start to go on, the conversation is kept.", True),
    # Ourselves.
    Entry("audio-lost", "connection", "While the connection to {server} was lost, {seconds} s of sound were, too.",
          "Say the last sentence again.", False),
    Entry("audio-dropped", "connection", "{server} takes sound too slowly: {seconds} s of it could not be kept.",
          "Say the last sentence again.", False),
    Entry("program-error", "connection", "Something in this program went wrong.",
          "Press Start again; if it keeps happening, please report it with the line from the server's log.", True),
)  # fmt: skip

CATALOGUE = {entry.code: entry for entry in _ENTRIES}

_BY_WIRE = {wire: entry for entry in _ENTRIES for wire in entry.wire}


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return FACTS[name]


@dataclass(frozen=True)
class Problem:
    """Something that went wrong, in words for the person in front of the page."""

    code: str
    detail: str = ""
    """What the other side said, redacted; for a report, not needed to understand the cause."""
    facts: dict[str, str] = field(default_factory=dict)
    recovering: bool = False
    """The cure is under way: nobody need do anything."""

    def __post_init__(self) -> None:
        CATALOGUE[self.code]  # a code without an entry is a mistake of ours: fail where it is made

    @property
    def entry(self) -> Entry:
        """The catalogue's row for the code."""
        return CATALOGUE[self.code]

    @property
    def cause(self) -> str:
        """One sentence: what happened."""
        cause = self.entry.cause.format_map(_Facts(self.facts))
        # A sentence begins with a capital, the name of a model or a host as it is written.
        return cause[:1].upper() + cause[1:] if cause.split(maxsplit=1)[0].isalpha() else cause

    @property
    def fix(self) -> str:
        """One sentence: what to do about it."""
        if self.recovering:
            return "It is tried again by itself, for a minute; what you say is kept."
        return self.entry.fix.format_map(_Facts(self.facts))


class VoiceUIError(Exception):
    """Anything we raise on purpose."""


class SettingsError(VoiceUIError):
    """A setting is wrong; the message is one line that names it, where it came from and what is allowed."""


class SessionError(VoiceUIError):
    """A session could not be had, or not be kept; carries the `Problem` to show."""

    def __init__(self, code: str, detail: str = "", **facts: str) -> None:
        self.problem = Problem(code, redact(detail), facts)
        super().__init__(f"{code}: {self.problem.cause} {self.problem.detail}".rstrip())


class Refused(SessionError):
    """The server answered, and said no: trying again as it is cannot help."""


class ConnectionFailed(SessionError):
    """No session came about, or the one there was is gone: trying again may help."""


def code_from_wire(*words: str | int | None, default: str) -> str:
    """Return the catalogue's code for the first word that has one: error codes, types, close codes or reasons."""
    for word in words:
        # NOTE: OpenAI gives the reason of a close as "<type>.<code>" (protocol facts, section 5).
        for part in (str(word), *reversed(str(word).split("."))):
            if part in _BY_WIRE:
                return _BY_WIRE[part].code
    return default


_SECRETS = re.compile(r"(?i)(\bbearer\s+|\bapi[-_]?key['\"]?\s*[:=]\s*['\"]?)[^\s'\",}]+|\b(?:sk-|ek_)[\w*.-]{6,}")


def redact(text: str) -> str:
    """Return `text` without anything that looks like a key or a bearer header."""
    return _SECRETS.sub(lambda match: f"{match.group(1) or ''}[redacted]", text)
