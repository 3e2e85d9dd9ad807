"""The single slot for a response: requests for a reply wait for it, and a cancel affects only its own response.

Pure. A server runs one response at a time and refuses a second `response.create`
(`conversation_already_has_active_response`, protocol facts, section 5.2). Where it detects turns, it also creates
responses by itself.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

REMEMBERED = 20
"""How many finished responses and sent events to remember, to recognize late events about them."""


class Action(Enum):
    """What to send now."""

    CREATE = auto()
    CANCEL = auto()


class Responses:
    """The responses of one connection."""

    def __init__(self) -> None:
        self.active: str | None = None
        """The id of the running response; empty while one is expected and not announced; None: the slot is free."""
        self.has_text = False
        """Whether the running response has written something."""
        self.cancelled = False
        """Whether the running response was cancelled by us."""
        self.quiet = True
        """Whether nobody speaks."""
        self._wanted = False  # a reply is wanted as soon as the slot is free
        self._wanted_in_quiet = False  # and one that must not begin while somebody speaks
        self._wanted_for_speech = False  # and one that any response answers which begins from now on
        self._asked_for_speech = False  # nobody else wanted the response that was asked for last
        self._cancel_next = False  # the expected response is no longer wanted
        self._is_asked = False  # the expected response was asked for by us
        self._asks: deque[str] = deque(maxlen=REMEMBERED)  # our events that asked for a response
        self._finished: deque[str] = deque(maxlen=REMEMBERED)
        self._abandoned: deque[str] = deque(maxlen=REMEMBERED)  # not waited for any more, and not over

    @property
    def is_running(self) -> bool:
        """Whether a response has begun that is not over or cancelled."""
        return bool(self.active) and not self.cancelled

    @property
    def is_writing(self) -> bool:
        """Whether a wanted reply is being written."""
        return self.active is not None and self.has_text and not self.cancelled

    @property
    def is_blocked(self) -> bool:
        """Whether a reply is wanted and the slot is taken."""
        return self._wanted or self._wanted_in_quiet or self._wanted_for_speech

    @property
    def is_asked(self) -> bool:
        """Whether a reply that we asked for, and still want, has not begun."""
        return self.active == "" and self._is_asked and not self._cancel_next

    @property
    def is_stuck(self) -> bool:
        """Whether the slot is taken by a response that is unannounced, or cancelled but not over."""
        return self.is_blocked and (self.active == "" or self.cancelled)

    # What we want.

    def want(self) -> Action | None:
        """Request a reply, now or when the slot is free."""
        self._wanted = True
        return self._next()

    def want_for_speech(self) -> Action | None:
        """A reply is wanted to what the server has heard, and could not answer because a response was running."""
        self._wanted_for_speech = True
        return self._next()

    def want_in_quiet(self) -> Action | None:
        """Request a reply to tool outputs, when the slot is free and nobody speaks."""
        self._wanted_in_quiet = True
        return self._next()

    def want_no_more(self) -> None:
        """The response that runs answers everything that was said or written so far, or there was nothing."""
        self._wanted = False

    def want_no_more_in_quiet(self) -> None:
        """Tool outputs need no reply."""
        self._wanted_in_quiet = False

    def asked(self, event_id: str) -> None:
        """The event that asks for the response was sent under this id."""
        self._asks.append(event_id)

    def interrupt(self) -> Action | None:
        """The running reply is not wanted any more, nor one that is expected; that to tools still is."""
        self._wanted = self._wanted_for_speech = False
        if self.active == "":
            self._cancel_next = True
        elif self.active and not self.cancelled:
            self.cancelled = True
            return Action.CANCEL
        return None

    # What the server does.

    def expect(self) -> None:
        """A turn has ended at a server that replies by itself; a response that is still expected answers it, too."""
        if self.active is None:
            self._take("")
        elif self.active == "":
            self._cancel_next = False

    def begin_turn(self) -> None:
        """Somebody speaks again: what was to be cancelled and never came is not what comes next."""
        self._cancel_next = False

    def is_new(self, response_id: str) -> bool:
        """Whether an event begins a response that was not announced; some servers announce none."""
        if not response_id:
            return self.active is None
        return response_id != self.active and response_id not in (*self._finished, *self._abandoned)

    def created(self, response_id: str) -> Action | None:
        """A response has begun; some servers give all of them one id."""
        for known in (self._finished, self._abandoned):
            if response_id in known:
                known.remove(response_id)
        cancel, self._cancel_next = self._cancel_next, False
        self._wanted_for_speech = self._wanted_for_speech and cancel
        self._take(response_id)
        self.cancelled = cancel
        return Action.CANCEL if cancel else None

    def wrote(self, response_id: str) -> bool:
        """A response has written something; False if it is not the one that runs."""
        if self.active is None or response_id != self.active:
            return False
        self.has_text = True
        return True

    def has_finished(self, response_id: str) -> bool:
        """Whether the end of this response was told before."""
        return response_id in self._finished

    def done(self, response_id: str) -> Action | None:
        """A response is over; one without an id is the one that runs."""
        over = response_id or self.active or ""
        is_news = over not in self._finished
        if over and is_news:
            self._finished.append(over)
        if over in self._abandoned:
            self._abandoned.remove(over)
        elif is_news and (not response_id or self.active in {"", response_id}):
            return self.free()
        return None

    def is_ours(self, event_id: str | None) -> bool:
        """Whether an error answers our `response.create`."""
        return event_id is not None and event_id in self._asks

    def refused(self, *, is_taken: bool) -> Action | None:
        """Our `response.create` was refused; `is_taken`: because another response runs, so we wait for its end."""
        if not is_taken or (self._cancel_next and self.active == ""):
            return self.free() if self.active == "" else None
        if self._asked_for_speech:
            self._wanted_for_speech = self.active == ""  # one that began meanwhile has answered it
        else:
            self._wanted = True
        return self._next()

    def free(self) -> Action | None:
        """The slot is free: its response is over, was refused, or is no longer waited for; so is its cancel."""
        if self.active and self.active not in self._finished:
            self._abandoned.append(self.active)
        self.active, self.has_text, self.cancelled, self._cancel_next = None, False, False, False
        return self._next()

    def _next(self) -> Action | None:
        is_wanted = self._wanted or self._wanted_for_speech or (self._wanted_in_quiet and self.quiet)
        if not is_wanted or self.active is not None:
            return None
        self._asked_for_speech = not self._wanted and not self._wanted_in_quiet
        self._wanted = self._wanted_in_quiet = self._wanted_for_speech = False
        self._take("")
        self._is_asked = True
        return Action.CREATE

    def _take(self, response_id: str) -> None:
        self.active, self.has_text, self.cancelled, self._is_asked = response_id, False, False, False
