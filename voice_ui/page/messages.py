"""The words for each problem code: what happened, and what to do about it. Pure."""

from __future__ import annotations

import string
from dataclasses import dataclass

from voice_ui.errors import Problem

LONGEST_DETAIL = 300
"""Characters of a server's own message inside ours; the details contain all of it."""

RECOVERING = "Reconnecting automatically for up to a minute. What you say is kept."

_ROWS = (
    # The microphone.
    ("mic-refused", "Microphone access is blocked for this page.",
     "Click the icon to the left of the address bar, allow the microphone, then press Start."),
    ("mic-dismissed", "The microphone prompt was closed without an answer.", "Press Start again and choose Allow."),
    ("mic-permission-withdrawn", "Microphone permission was withdrawn while the page was using it.",
     "Allow the microphone for this page, then press Start."),
    ("mic-muted", "The browser or the operating system has muted the microphone.",
     "Unmute it in the browser tab, in the sound settings, or on the microphone itself."),
    ("mic-prompt-pending", "The browser is asking for permission to use the microphone.",
     "Choose Allow in the browser's prompt, near the address bar."),
    ("mic-blocked-by-policy", "The operating system or a browser policy blocks the microphone.",
     "Allow this browser to use the microphone in the system's privacy settings, then reload the page."),
    ("mic-insecure-origin", "Browsers allow the microphone only on https pages and on localhost.",
     "Open this page over https (voice-ui --share serves it), or as localhost on the machine that runs it."),
    ("mic-unsupported", "This browser does not support microphone capture.",
     "Open the page in a current version of Chrome, Edge, Firefox or Safari."),
    ("mic-none", "No microphone was found.", "Connect a microphone, then press Start."),
    ("mic-busy", "The microphone could not be opened. Another program may be using it.",
     "Close other programs that use the microphone, or reconnect it, then press Start."),
    ("mic-kept", "The chosen microphone could not be opened, so the previous one stays in use.",
     "Close other programs that use it, then choose it again."),
    ("mic-lost", "The microphone was disconnected.",
     "Reconnect it, then press Start. What you said before will still be answered."),
    ("mic-suspended", "The browser has suspended audio on this page.", "Bring this tab to the front and press Start."),
    ("mic-no-frames", "The microphone is open but delivers no audio.",
     "Choose another input in the system's sound settings, or restart the browser, then press Start."),
    ("mic-silent", "The microphone has delivered pure silence for ten seconds.",
     "Check its mute switch, and select the right input in the system's sound settings."),
    ("mic-failed", "The browser could not start the microphone.",
     "Press Start again. If that fails, restart the browser."),
    ("mic-gap", "This page lost its connection to Voice UI, and {seconds} s of audio was lost.",
     "Repeat your last sentence."),
    # The connection.
    ("server-unreachable", "Could not connect to {server}.",
     "Check that it is running and that {address} is right, then press Start."),
    ("server-not-found", "The host name {server} could not be resolved.",
     "Check {address} and the network, then press Start."),
    ("server-timeout", "{server} did not answer within {seconds} s.",
     "Check the network and any proxy, then press Start."),
    ("tls-failed", "The TLS connection to {server} could not be verified.",
     "Check this machine's clock, the server's certificate, and any proxy between them."),
    ("clock-wrong", "The certificate of {server} is expired or not yet valid, according to this machine's clock.",
     "Set this machine's date and time. If they are right, the server's certificate must be renewed."),
    ("proxy-refused", "The proxy {proxy} refused the connection to {server}.",
     "Check {setting} and NO_PROXY in the environment, then press Start."),
    ("proxy-refused", "A proxy refused the connection to {server}.",
     "Check HTTPS_PROXY and NO_PROXY, then press Start."),
    ("proxy-unreachable", "Could not connect to the proxy {proxy}.",
     "Start the proxy, or correct or unset {setting} in the environment and restart."),
    ("proxy-invalid", "{setting} is not the address of a proxy.",
     "Set {setting} in the environment to an address such as http://proxy.example:3128, or unset it, and restart."),
    ("proxy-unsupported", "{setting} names a SOCKS proxy, and the package for it is not installed.",
     'Run pip install -e ".[socks]" and restart.'),
    ("certificates-missing", "The trusted certificates in {setting} cannot be read.",
     "Correct or unset {setting} in the environment and restart."),
    ("not-realtime", "{server} answered, but it is not a realtime server at this address.",
     "Check {address}: it must be the part of the URL before /realtime, and usually ends in /v1."),
    ("server-failed", "{server} reported an internal error.", "Wait a moment, then press Start."),
    ("connection-lost", "The connection to {server} was lost.", "Press Start to reconnect. The conversation is kept."),
    ("server-silent", "{server} has not responded to the last {seconds} s of speech.",
     "Press Stop, then Start. If that fails, check the server's log or status page."),
    ("message-malformed", "{server} sends messages that Voice UI cannot read.",
     "These messages are ignored. If replies are missing, check that {server} is a realtime server."),
    ("message-oversized", "A message to or from {server} was too large.",
     "Check that {server} is a realtime server, then press Start."),
    ("webrtc-no-route", "The WebRTC connection to {server} failed, so Voice UI uses a websocket instead.",
     "WebRTC needs UDP, which many networks block. To stop trying it, set VOICE_UI_TRANSPORT=websocket."),
    ("webrtc-unsupported", "{server} does not accept WebRTC calls, so Voice UI uses a websocket instead.",
     "To stop trying WebRTC, set VOICE_UI_TRANSPORT=websocket."),
    ("audio-lost", "{seconds} s of audio was lost while the connection to {server} was down.",
     "Repeat your last sentence."),
    ("audio-dropped", "{server} accepts audio too slowly: {seconds} s was dropped.", "Repeat your last sentence."),
    ("page-polling", "This page cannot open a websocket to Voice UI, so replies arrive more slowly.",
     "If there is a proxy in between, configure it to pass on the Upgrade and Connection headers."),
    ("program-silent", "This page lost its connection to Voice UI.",
     "Check that the program is running and that the network works. The page keeps the last 30 s you say."),
    ("program-restarting", "Voice UI is restarting.", "Your conversation continues here in a moment."),
    ("program-restarted", "Voice UI was restarted, and the conversation is gone.",
     "Press Start to begin a new one."),
    ("conversation-kept", "Voice UI was restarted while you spoke, and {seconds} s of speech were not answered.",
     "Press Start and repeat your last sentence. The conversation is kept."),
    ("conversation-kept", "Voice UI was restarted. The conversation is kept.",
     "Press Start to continue. If a reply is missing, ask again."),
    ("conversation-unverified", "After a restart, Voice UI could not verify the conversation on this page.",
     "You can still read it, but the model cannot. Press Start to begin a new one."),
    ("conversation-gone", "The conversation ended while this page was disconnected.",
     "Press Start to begin a new one."),
    ("program-error", "Voice UI ran into an internal error.",
     "Press Start again. If it keeps happening, please report it with the program's log."),
    # The server refuses, or would.
    ("no-key", "{server} needs an API key, and none is set.",
     "Add the key to .env.local (see .env.local.example) and restart."),
    ("key-placeholder", "{source} does not look like an API key for {server}.",
     "Replace it with a valid key (OpenAI's start with sk-) and restart."),
    ("model-retired", "{server} shut {model} down on {date}.", "Use {successor} instead."),
    ("model-retiring", "{server} will shut {model} down on {date}.", "Switch to {successor} before then."),
    ("key-refused", "{server} rejected the API key.",
     "Check the key in .env.local and restart. An environment variable of the same name takes precedence."),
    ("no-access", "{server} has no model named {model}, or the API key has no access to it.",
     "Choose another model with VOICE_UI_MODEL, or use a key with access to this one."),
    ("model-unknown", "{server} has no realtime model named {model}.", "Check VOICE_UI_MODEL."),
    ("server-refused", "{server} ended the session: {detail}", "Check the API key and the model."),
    ("server-refused", "{server} ended the session.", "Check the API key and the model."),
    ("session-refused", "{server} refused the session: {detail}", "Check the model and the settings of the session."),
    ("session-refused", "{server} refused the session.", "Check the model and the settings of the session."),
    ("beta-disabled", "{server} no longer supports the beta dialect of the realtime protocol.",
     "Set VOICE_UI_DIALECT=ga."),
    ("no-quota", "The account behind the API key has no credit left.",
     "Add credit or raise the limit in the account's billing settings, then press Start."),
    ("rate-limited", "Your account has reached the rate limit of {server}.", "Wait {seconds} s, then try again."),
    ("rate-limited", "Your account has reached the rate limit of {server}.", "Wait a minute, then try again."),
    ("session-limit", "All sessions of {server} are in use.",
     "Wait until another session ends, then press Start."),
    ("session-expired", "The session reached the maximum duration {server} allows.",
     "Press Start to continue. The conversation is kept."),
    ("update-rejected", "{server} rejected {param} in the session's settings.", "Change {setting} and restart."),
    ("update-rejected", "{server} rejected {param} in the session's settings.",
     "Change the setting in the settings panel or in .env.local."),
    ("update-rejected", "{server} rejected the session's settings.",
     "Change them in the settings panel or in .env.local. The details contain the server's message."),
    ("config-differs", "{server} ignored the requested setting {param}.",
     "Replies may be slower or cost more. Check what the server supports."),
    ("server-error", "{server} rejected a message from Voice UI.",
     "The session continues. If it keeps happening, please report it with the details."),
    ("server-said", "{server} reported an error: {detail}", "If the reply is missing, repeat your last message."),
    ("server-said", "{server} reported an error.", "If the reply is missing, repeat your last message."),
    # The reply.
    ("speaker-blocked", "The browser does not let this page play sound yet.",
     "Click anywhere on the page. If it stays silent, allow sound for this page in the browser."),
    ("speaker-failed", "The browser could not open the speaker.",
     "Connect headphones or a speaker, or check the sound settings, then press Start."),
    ("voice-echo", "The model seems to hear its own voice and interrupts itself.",
     "Use headphones, lower the volume, or turn on “Do not listen while the voice plays”."),
    ("response-failed", "The model failed while replying.", "Repeat your last message."),
    ("response-incomplete", "The reply was cut off before it was complete.", "Ask the model to continue."),
    ("response-filtered", "The server's content filter stopped the reply.", "Rephrase your message."),
    ("response-cancelled", "The reply was cancelled before it was complete.", "Repeat your last message."),
    ("response-missing", "No reply arrived within {seconds} s.", "Repeat your last message."),
    ("reply-empty", "The reply was empty.", "Repeat your last message."),
    ("transcription-failed", "What you said could not be transcribed. The reply is not affected.",
     "If it keeps happening, set VOICE_UI_TRANSCRIPTION_MODEL to a model your account can use."),
    ("speech-undetected", "The {server} cannot detect speech on its machine.",
     "Type instead or use push to talk (both are in the settings), or set OPENAI_API_KEY and restart."),
    # What is shown to the model.
    ("image-unreadable", "This browser cannot read that file as an image.",
     "Use a PNG, JPEG or WebP file, or take a screenshot of it."),
    ("image-refused", "{server} does not accept images.", "Describe it in words, or choose a model that takes images."),
    ("camera-failed", "The browser could not open the camera or the screen.",
     "Allow access for this page, close other programs that use the camera, and try again."),
    ("file-unreadable", "Only images and text files of up to 8,000 characters can be added to a message.",
     "Choose another file, or paste the part of the text that matters."),
    # The chat model behind the practice server.
    ("chat-unreachable", "The chat server does not answer.",
     "Start it (Ollama: ollama serve), then repeat your last message. Its address is VOICE_UI_CHAT_URL."),
    ("chat-model-missing", "The chat server does not have the requested model.",
     "Download the model (Ollama: ollama pull NAME), or choose one that the server has (VOICE_UI_CHAT_MODEL)."),
    ("chat-key-refused", "The chat server refused the key.",
     "Correct VOICE_UI_CHAT_API_KEY in .env.local and restart."),
    ("chat-out-of-memory", "The chat server does not have enough memory for this model.",
     "Close other programs, or choose a smaller model (VOICE_UI_CHAT_MODEL)."),
    ("chat-busy", "The chat server is busy or still loading the model.",
     "Wait a few seconds, then repeat your last message."),
    ("chat-failed", "The chat server failed while answering: {detail}",
     "Repeat your last message, or check the chat server's log."),
    ("chat-failed", "The chat server failed while answering.",
     "Repeat your last message, or check the chat server's log."),
    ("chat-refused", "The chat server refused the request: {detail}",
     "Check that VOICE_UI_CHAT_MODEL names a chat model, and VOICE_UI_INSTRUCTIONS is not too long for it."),
    ("chat-refused", "The chat server refused the request.",
     "Check that VOICE_UI_CHAT_MODEL names a chat model, and VOICE_UI_INSTRUCTIONS is not too long for it."),
    ("chat-timeout", "The chat server stopped answering.",
     "Repeat your last message. If it happens again, choose a smaller model (VOICE_UI_CHAT_MODEL)."),
    ("chat-malformed", "The chat server's answer does not follow OpenAI's chat API.",
     "Check VOICE_UI_CHAT_URL: for Ollama it is http://localhost:11434/v1."),
    # The owner's limits.
    ("room-full", "This demo is full: {seats} of {seats} seats are taken.",
     "Wait until someone leaves, then press Start."),
    ("time-limit", "The session reached this demo's time limit of {minutes} min.",
     "Press Start to continue. The conversation is kept."),
    ("idle-limit", "The microphone was closed after {minutes} min without speech.",
     "Press Start to continue. The conversation is kept."),
    ("hidden-limit", "The microphone was closed because this tab was hidden for {minutes} min.",
     "Press Start to continue. The conversation is kept."),
    ("visitor-seats", "You have {seats} conversations open, the most this demo allows per visitor.",
     "Press Stop in another tab, then press Start here."),
    ("cost-limit", "This conversation has reached its cost limit of {limit}.",
     "Open a new tab to begin a new conversation, or raise VOICE_UI_MAX_COST and restart."),
    ("cost-limit-visitor", "You have reached the cost limit of {limit} for each visitor.",
     "To continue, the owner of this demo can raise VOICE_UI_MAX_COST_PER_VISITOR and restart."),
    ("cost-limit-day", "Today's cost limit of {limit} is reached.",
     "Come back after midnight UTC, or ask the owner to raise VOICE_UI_MAX_COST_PER_DAY and restart."),
    ("cost-limit-total", "The cost limit of {limit} for this demo is reached.",
     "To continue, ask the owner to raise VOICE_UI_MAX_COST_TOTAL and restart."),
    ("cost-unknown", "A cost limit is set, but the price of {model} at {server} is not known.",
     "Choose a model with a known price, add its price to VOICE_UI_PRICES, or remove the limit, and restart."),
    ("cost-unreported", "A cost limit is set, but {server} does not report how many tokens a reply used.",
     "Use another server, or remove the limit and restart."),
    ("cost-unrecorded", "The amounts spent so far, needed for the cost limits, cannot be read or saved.",
     "Press Start again. If it keeps happening, check the program's log."),
    ("store-away", "The store for seats and costs at {store} cannot be reached.",
     "Wait a moment, then press Start. If it keeps happening, ask the owner to check VOICE_UI_REDIS_URL."),
    ("stopped-by-owner", "The owner of this demo has stopped your conversation.",
     "Ask the owner to let you continue. The conversation is kept."),
)  # fmt: skip
"""Code, cause, fix. Both sentences may name facts in braces, and `{detail}`: the server's own message. If a code
has several rows, the first one whose facts are all known is used."""


@dataclass(frozen=True)
class Wording:
    """What happened, and what to do about it; facts in braces."""

    cause: str
    fix: str

    @property
    def facts(self) -> set[str]:
        """The names in braces."""
        fields = string.Formatter().parse(f"{self.cause} {self.fix}")
        return {name for _, name, _, _ in fields if name}


MESSAGES: dict[str, list[Wording]] = {}
for _code, _cause, _fix in _ROWS:
    MESSAGES.setdefault(_code, []).append(Wording(_cause, _fix))


def cause(problem: Problem) -> str:
    """Return what happened, in one sentence."""
    return _sentence(_message(problem).cause, problem)


def fix(problem: Problem) -> str:
    """Return what to do about it."""
    return RECOVERING if problem.recovering else _sentence(_message(problem).fix, problem)


def _message(problem: Problem) -> Wording:
    """Return the first, that is the most specific, message whose facts are all known."""
    known = set(problem.facts) | ({"detail"} if problem.detail else set())
    return next(message for message in MESSAGES[problem.code] if message.facts <= known)


def _sentence(template: str, problem: Problem) -> str:
    detail = " ".join(problem.detail.split()).removesuffix(".")
    if len(detail) > LONGEST_DETAIL:
        detail = f"{detail[:LONGEST_DETAIL]}…"
    sentence = template.format_map({**problem.facts, "detail": detail})
    # A sentence starts with a capital letter; a host name or a model's name stays as it is.
    sentence = sentence[:1].upper() + sentence[1:] if sentence.split(maxsplit=1)[0].isalpha() else sentence
    return sentence if sentence.endswith((".", "…", "?", "!")) else f"{sentence}."
