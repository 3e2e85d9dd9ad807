"""The whole conversation as one NiceGUI element: buttons, status, transcript, errors and a line to type in.

    VoicePanel(Endpoint.openai(key)).on_reply(lambda event: print(event.text))

Any number of panels can stand on a page, in a card or full height. A panel follows the host's light or dark theme and
touches nothing outside itself: no global styles, no keys, no title.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import count

from nicegui import ui
from nicegui.events import Handler

from voice_ui import images, servers
from voice_ui.errors import Problem
from voice_ui.mic import Chunk, Mic, Stopped
from voice_ui.page import endpoints
from voice_ui.page.composer import Typed
from voice_ui.page.conversations import Conversations, LiveConversation
from voice_ui.page.display import Display
from voice_ui.page.events import (
    DeltaEventArguments,
    ProblemEventArguments,
    ReplyEventArguments,
    StateEventArguments,
    TranscriptEventArguments,
    UsageEventArguments,
)
from voice_ui.page.follower import Follower
from voice_ui.page.handover import Handover, Handovers, visitor_of
from voice_ui.page.keeper import Keeper
from voice_ui.page.view import View
from voice_ui.protocol import SessionConfig
from voice_ui.servers import Endpoint
from voice_ui.session import (
    BargeInPending,
    ItemChanged,
    PlaybackCut,
    RealtimeSession,
    ReplyAudio,
    SessionEvent,
    State,
    StateChanged,
    TextDelta,
    Tracer,
)
from voice_ui.snapshot import Owner
from voice_ui.tools import AnyTool, Toolbox

CALM_MS = 40
"""With chunks of up to this length, text is still shown as it comes."""

OpenSession = Callable[[Endpoint, SessionConfig], RealtimeSession]


class VoicePanel(Display, component="panel.js"):
    """A conversation with one realtime server, with its buttons, status, transcript and error messages."""

    _place = ""  # also of one whose making failed

    def __init__(
        self,
        endpoint: Endpoint | None = None,
        config: SessionConfig | None = None,
        *,
        typing: bool = True,
        notice: str = "",
        tools: Iterable[AnyTool] = (),
        on_transcript: Handler[TranscriptEventArguments] | None = None,
        on_delta: Handler[DeltaEventArguments] | None = None,
        on_reply: Handler[ReplyEventArguments] | None = None,
        on_state: Handler[StateEventArguments] | None = None,
        on_problem: Handler[ProblemEventArguments] | None = None,
        on_usage: Handler[UsageEventArguments] | None = None,
        open_session: OpenSession | None = None,
        conversations: Conversations | None = None,
        keep: bool = False,
        handovers: Handovers | None = None,
        address: str = "",
    ) -> None:
        """Show a panel. No connection is opened before Start is pressed or something is typed.

        :param endpoint: the server; by default the one in the environment or `.env.local`, or the practice server if
            neither names one
        :param config: the session's settings; by default those in the environment or `.env.local`
        :param typing: whether to show a text field for typing
        :param notice: text shown above the conversation
        :param tools: functions that the model may call, with or without `@tool`
        :param open_session: creates the session of each new conversation, for example with limits; replaces `tools`
        :param conversations: the list to add this panel's conversation to
        :param keep: whether the conversation survives a reload of the page, at the same path in the same browser tab
        :param handovers: receives the page's conversation if it comes from another process; needs `keep`
        :param address: the visitor's address, shown in the list of visitors

        Raises SettingsError if a setting that is used is invalid, and ToolError if a function cannot be a tool.
        """
        super().__init__()
        self.classes("voice-panel")
        self._props["plain"] = False
        self._endpoint = endpoint or endpoints.from_settings()
        self._config = config or endpoints.config_from_settings()
        self._open_session = open_session or partial(RealtimeSession, tools=Toolbox(tools).all)
        self._conversations = endpoints.default_conversations() if conversations is None else conversations
        self._keep, self._handovers, self._address = keep, handovers, address
        self.handover: Handover | None = None
        """What the page brought with it from another process."""
        self._keeper: Keeper | None = None
        self._conversation: LiveConversation | None = None
        self._follower: Follower | None = None
        self._tracer: Tracer | None = None
        self._waiting: list[Callable[[RealtimeSession], object]] = []  # for the conversation
        self._page_client = ui.context.client
        self._page_is_gone = False
        with self:
            view = View(
                self._create_mic,
                notice=notice,
                typing=typing,
                about=self._about,
                on_message=self._handle_message,
                on_dismiss=lambda: self._with_session(RealtimeSession.dismiss),
                on_decide=self._decide,
            )
        self._show_in(view)
        self.voice.on_switch, self.voice.on_interrupt = self.speak, self.interrupt
        self._props["mic"] = self.mic.id
        self._props["place"] = self._place = self._find_place()
        view.composer.store_in(self._place)
        self._show_config()
        self.on_transcript(on_transcript).on_delta(on_delta).on_reply(on_reply)
        self.on_state(on_state).on_problem(on_problem).on_usage(on_usage)
        # A page may be fetched without ever opening a socket: nothing is begun before there is one.
        client = self._page_client
        client.on_connect(self._handle_connect)
        client.on_disconnect(self._handle_disconnect)
        client.on_delete(self._handle_page_deleted)
        lists = (client.connect_handlers, client.disconnect_handlers, client.delete_handlers)
        self._page_handlers = [(handlers, handlers[-1]) for handlers in lists]
        if self._page_client.has_socket_connection:
            self._page_client.safe_invoke(self._handle_connect)

    def _create_mic(self) -> Mic:
        return Mic(
            on_chunk=self._handle_chunk,
            on_starting=self._handle_starting,
            on_live=self._handle_live,
            on_stopped=self._handle_stopped,
            on_problem=self._show_mic_problem,
            on_cured=lambda code: self.view.error.clear_codes(code),
            on_muted=self._handle_muted,
            on_held=lambda: self._with_session(RealtimeSession.begin_turn),
            on_released=lambda: self._with_session(RealtimeSession.end_turn),
            on_painted=lambda seq, ms: self._clock.handle_painted(seq, ms),
        )

    # For the page it is on.

    @property
    def mic(self) -> Mic:
        """The microphone."""
        return self.view.mic

    @property
    def conversation(self) -> LiveConversation | None:
        """The conversation that is shown; None before the page is connected."""
        return self._conversation

    @property
    def session(self) -> RealtimeSession | None:
        """The session of the conversation."""
        return self._conversation.session if self._conversation else None

    def start(self) -> None:
        """Open the microphone. Without a click on the page, some browsers keep its audio suspended."""
        self.mic.start()

    def stop(self) -> None:
        """Close the microphone. What was said is still answered."""
        self.mic.stop()

    def send_text(self, text: str) -> None:
        """Send a typed message, interrupting the current reply. Works with the microphone closed."""
        self._with_session(lambda session: session.send_text(text))

    def send_image(self, image: bytes, text: str = "", *, reply: bool = True) -> None:
        """Show the model a PNG or JPEG image, with a text or without one; see `RealtimeSession.send_image`.

        Raises ValueError for other bytes, and for more than 450 kB.
        """
        images.read(image)
        self._with_session(lambda session: session.send_image(image, text, reply=reply))

    def interrupt(self) -> None:
        """Interrupt the current reply."""
        if self.session:
            self.session.interrupt()

    def speak(self, aloud: bool) -> None:
        """Turn spoken replies on or off."""
        self._configure(replace(self._config, output="audio" if aloud else "text"))

    def configure(self, endpoint: Endpoint, config: SessionConfig) -> bool:
        """Use another server or configuration.

        Returns True if it was applied to the running session, False if the next Start will use it.
        """
        self._endpoint = endpoint
        return self._configure(config)

    def _configure(self, config: SessionConfig) -> bool:
        self._config = config
        self._show_config()
        applied = self.session is not None and self.session.reconfigure(*self._target())
        self._show_state()
        return applied

    def trace(self, tracer: Tracer | None) -> None:
        """Report every protocol event, sent and received, to `tracer`; None stops."""
        self._tracer = tracer
        if self.session:
            self.session.tracer = tracer

    def show_plain(self, plain: bool) -> None:
        """Show replies as the model wrote them, without reading them as Markdown; or formatted, as at first."""
        if self._props["plain"] != plain:
            self._props["plain"] = plain
            self.update()

    @property
    def js_copy(self) -> str:
        """The `js_handler` of a button that copies the conversation as Markdown."""
        return f"() => getElement({self.id}).copyConversation()"

    @property
    def js_download(self) -> str:
        """The `js_handler` of a button that downloads the conversation."""
        return f"() => getElement({self.id}).downloadConversation()"

    def _find_place(self) -> str:
        """Return what tells panels apart whose conversations survive a reload: the page, and a number that is free."""
        if not self._keep:
            return ""
        try:
            path = self._page_client.request.url.path
        except RuntimeError:  # a script without pages, which NiceGUI reads once before anybody asks for it
            return ""
        panels = (one for one in self._page_client.elements.values() if isinstance(one, VoicePanel) and one is not self)
        taken = {one._place for one in panels}
        return next(place for number in count() if (place := f"{path} {number}") not in taken)

    def _show_config(self) -> None:
        self.mic.by_hand = self._config.turn_detection == "none"
        aloud = self._config.output == "audio"
        self.voice.show(aloud, self._endpoint)
        self.voice.give_way(self._config.barge_in != "never")
        self.view.transcript.turn.show_aloud(aloud)

    # The life of the page. NOTE: Conversations and Drain call these three.

    @property
    def is_connected(self) -> bool:
        """Whether the page has a live socket."""
        return self._page_client.has_socket_connection and not self._page_client.is_deleted

    def release(self) -> None:
        """Stop showing the conversation: another page shows it, or it has ended."""
        self._detach()
        if self.is_connected and not self.is_deleted:
            self.mic.stop()
            self._show_event(StateChanged(State()))

    def stretch(self, chunk_ms: int) -> None:
        """Take chunks of at least this length, and send text as seldom: the program is busy, or no longer."""
        self.mic.stretch_chunks(chunk_ms)
        self.view.transcript.turn.coalesce(chunk_ms if chunk_ms > CALM_MS else 0)

    def reconnect(self) -> None:
        """Have the page look for another process: this one is about to end."""
        if self.is_connected and not self.is_deleted:
            self.run_method("reconnect")

    async def _handle_connect(self) -> None:
        if self._conversation:
            self._conversations.came_back(self._conversation)
            return
        if self._endpoint is None:
            self._endpoint = await endpoints.practice()
            self._show_config()
        if self._conversation is None and self.is_connected and not self.is_deleted:
            client, owner = self._page_client, None
            if self._keep and client.tab_id:
                owner = Owner(visitor_of(client.request), client.tab_id, self._place)
            self._adopt(self._conversations.join(self, owner, partial(self._new_session, owner), self._address), owner)

    def _handle_disconnect(self) -> None:
        if self._conversation:
            self._conversations.went_away(self._conversation)

    def _handle_page_deleted(self) -> None:
        self._page_is_gone = True

    def _handle_delete(self) -> None:
        super()._handle_delete()
        if not self._page_is_gone:
            for handlers, ours in self._page_handlers:  # not now: one of them may be what deletes it
                asyncio.get_running_loop().call_soon(handlers.remove, ours)
        conversation = self._detach()
        if conversation and not (conversation.owner and self._page_is_gone):
            self._conversations.end(conversation)

    def _adopt(self, conversation: LiveConversation, owner: Owner | None) -> None:
        """Show a conversation: a new one, or that of an earlier page."""
        self._conversation = conversation
        self.voice.session = session = conversation.session
        session.plays = True
        session.take_played("", 0, stopped=True)  # an earlier page plays no more
        session.reconfigure(*self._target())
        session.tracer = self._tracer
        self._show_session(session)
        if self._handovers and owner:
            self._keeper = Keeper(session, self._handovers.seal, owner, partial(self.run_method, "keep"))
        self._follower = Follower(session, self._handle_session_event)
        for call in self._waiting:
            call(session)
        self._waiting.clear()

    def _detach(self) -> LiveConversation | None:
        """Stop following the conversation, and return it."""
        conversation, self._conversation = self._conversation, None
        if self._follower:
            self._follower.stop()
        if self._keeper:
            self._keeper.stop()
            self._keeper = None
        self.voice.session = None
        self._drop_held()
        self.view.stop()
        return conversation

    def _new_session(self, owner: Owner | None) -> RealtimeSession:
        session = self._open_session(*self._target())
        if self._handovers and owner and (handover := self._handovers.take(owner)):
            self.handover = handover
            session.restore(handover.items, handover.usage, handover.dollars)
        return session

    def _target(self) -> tuple[Endpoint, SessionConfig]:
        assert self._endpoint, "known as soon as there is a conversation"
        return self._endpoint, servers.suited(self._config, self._endpoint)

    def _with_session(self, call: Callable[[RealtimeSession], object]) -> None:
        """Call now, or as soon as there is a conversation."""
        if self._conversation:
            call(self._conversation.session)
        else:
            self._waiting.append(call)
            self._page_client.safe_invoke(self._handle_connect)

    def _decide(self, call_id: str, approved: bool) -> None:
        decide = RealtimeSession.approve if approved else RealtimeSession.refuse
        self._with_session(lambda session: decide(session, call_id))

    def _about(self) -> str:
        return f"{self._endpoint.name}, {self._endpoint.model}" if self._endpoint else "practice server"

    # From the page, the microphone and the session.

    def _handle_message(self, message: Typed) -> None:
        self._with_session(partial(self._take_message, message))

    def _take_message(self, message: Typed, session: RealtimeSession) -> None:
        """Send it, unless it has come before; what is refused goes back to the line it was typed in."""
        assert self._conversation, "it has this session"
        taken = self._conversation.typed
        if message.id not in taken:
            text, image = message.text, message.image
            # An image without a text: the question is going to be spoken, if anybody listens.
            reply = bool(text) or not self._state.microphone
            if session.send_text(text) if image is None else session.send_image(image, text, reply=reply):
                taken.append(message.id)
        self.view.composer.settle(message.id, taken=message.id in taken)

    def _handle_starting(self) -> None:
        self._show_opening(True)
        self._with_session(RealtimeSession.start)

    def _handle_live(self, live: bool) -> None:
        if live:  # if it falls silent later, a problem says so
            self._show_opening(False)

    def _handle_chunk(self, chunk: Chunk) -> None:
        self._clock.handle_chunk(chunk)
        if self._conversation:
            self._conversation.session.append_audio(chunk.pcm, chunk.rate)

    def _handle_stopped(self, stopped: Stopped) -> None:
        self._show_opening(False)
        # What was said before a device was lost is answered.
        self._with_session(RealtimeSession.abort if stopped.reason == "failed" else RealtimeSession.stop)

    def _handle_muted(self, muted: bool) -> None:
        self.view.buttons.show_muted(muted)
        self._show_state()
        if muted:
            self._with_session(RealtimeSession.end_turn)

    def _handle_session_event(self, event: SessionEvent) -> None:
        match event:
            case TextDelta():  # most are of this kind, and nobody else needs them
                self._show_delta(event)
                return
            case ReplyAudio(item_id, pcm):
                self.voice.play(item_id, pcm)
            case PlaybackCut(by_speech):
                self.voice.stop()
                if by_speech:
                    self.voice.note_cut(self.text)
            case BargeInPending(pending):
                self.voice.hold(pending)
            case ItemChanged(item) if self.voice.is_echo(item):
                self.show_problem(Problem("voice-echo"))
        self._show_event(event)
        if self._keeper:
            self._keeper.note(event)
        # Not if Start was pressed again since: that is not to be undone.
        if isinstance(event, StateChanged) and event.state.at_rest and self.session and self.session.state.at_rest:
            self.mic.stop()
