"""The settings: microphone, turn taking, replies, reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from nicegui import ui

from voice_ui.mic import Device
from voice_ui.models import VOICES
from voice_ui.page.choices import (
    BARGE_IN,
    BARGE_IN_HINTS,
    EAGERNESS,
    EFFORTS,
    LANGUAGES,
    LONGEST_INSTRUCTIONS,
    NOISE_REDUCTION,
    SILENCE_MS,
    SPEED,
    TEXT_SIZES,
    THRESHOLD,
    TURN_TAKING,
    Choices,
    are_keywords,
)
from voice_ui.protocol import INSTRUCTIONS
from voice_ui.settings import LONGEST_PROMPT, parts_of
from voice_ui.speaker import Output


class SettingsPanel(ui.dialog):
    """A panel at the side that reports each choice as it is made.

    It is built when it is opened for the first time: most visitors never open it, and it is a third of the page.
    """

    def __init__(
        self,
        choices: Choices,
        *,
        models: Sequence[str],
        writer: str = "",
        on_change: Callable[[Choices], object],
        js_copy: str,
        js_download: str,
    ) -> None:
        """`models` may be empty: then there is no choice. `writer`: the model that only writes down what is said."""
        super().__init__()
        self.choices = self._owners = choices
        self._models = models
        self._writer = writer
        self._on_change = on_change
        self._js_copy, self._js_download = js_copy, js_download
        self._devices: Sequence[Device] = ()
        self._outputs: Sequence[Output] = ()
        self._fields: dict[str, Any] = {}  # by the name of the choice
        self._texts: list[Callable[[], None]] = []  # take what stands in the text fields
        self.props('position=right full-height aria-label="Settings"')
        self.on("hide", lambda: [take() for take in self._texts])

    def open(self) -> Self:
        """Open the panel."""
        if not self._fields:
            self._build()
        return super().open()

    def _build(self) -> None:
        with self, ui.card().classes("settings").props("data-testid=settings"):
            with ui.element("div").classes("settings-head"):
                ui.label("Settings").props("role=heading aria-level=2")
                ui.button(icon="close", on_click=self.close, color=None).props('flat round dense aria-label="Close"')
            self._build_microphone()
            self._build_turns()
            self._build_hearing()
            self._build_replies()
            self._build_reading()
            with _section("For developers"):
                self._switch("inspector", "Inspector: all protocol events")
        self._show_devices()
        self._show_dependents()

    def show_devices(self, devices: Sequence[Device]) -> None:
        """Offer these microphones; browsers hide their names until one has been used."""
        self._devices = devices
        self._show_devices()

    def show_outputs(self, outputs: Sequence[Output]) -> None:
        """Offer these speakers; not called by browsers that do not let a page choose."""
        self._outputs = outputs
        self._show_devices()

    def _show_devices(self) -> None:
        if self._fields:
            self._offer("device", "Microphone", self._devices)
            self._offer("output_device", "Speaker", self._outputs)
            self._fields["output_device"].set_visibility(bool(self._outputs))
            self._in_use.set_text(next((f"In use: {device.label}" for device in self._devices if device.in_use), ""))

    def _offer(self, name: str, kind: str, devices: Sequence[Device | Output]) -> None:
        options = {device.id: device.label or f"{kind} {number}" for number, device in enumerate(devices, 1)}
        chosen = getattr(self.choices, name)
        if chosen:  # it may be unplugged, or the browser does not tell yet what there is
            options.setdefault(chosen, f"{kind} chosen before")
        self._fields[name].set_options({"": "Browser default", **options}, value=chosen)

    def show_costs(self, prices: str, sums: str) -> None:
        """Show what the model costs, and where the limits stand; either may be empty."""
        if not self._fields:
            return
        for label, words in ((self._prices, prices), (self._sums, sums)):
            label.set_text(words)
            label.set_visibility(bool(words))

    def show_choices(self, choices: Choices) -> None:
        """Show choices that were made elsewhere."""
        self.choices = choices  # first: the fields report every change
        for name, field in self._fields.items():
            if name not in {"device", "output_device"}:
                field.set_value(list(parts_of(choices.language)) if name == "language" else getattr(choices, name))
        self._show_devices()
        self._show_dependents()

    def choose(self, **chosen: Any) -> None:
        """Set a choice from code: show it and report it."""
        self._take(chosen)
        self.show_choices(self.choices)

    def _take(self, chosen: dict[str, Any]) -> None:
        """Apply and report one field's value; other fields, perhaps half edited, are left alone."""
        changed = self.choices.changed(chosen, self._models, self._owners)
        if changed != self.choices:
            self.choices = changed
            self._show_dependents()
            self._on_change(changed)

    def _build_microphone(self) -> None:
        with _section("Microphone"):
            self._select("device", "Microphone", {"": "Browser default"})
            self._in_use = ui.label().classes("hint").props("data-testid=mic-in-use")
            self._switch("echo_cancellation", "Echo cancellation")
            self._switch("noise_suppression", "Noise suppression")
            self._switch("auto_gain_control", "Automatic gain control")
            self._switch("half_duplex", "Do not listen while the voice plays")

    def _build_turns(self) -> None:
        with _section("Turn taking"):
            self._toggle("turn_detection", "Turn taking", TURN_TAKING)
            with ui.element("div").classes("dependents") as self._automatic:
                self._slider("threshold", "Speech threshold", *THRESHOLD, 0.05, "")
                self._slider("silence_ms", "Silence before a reply", *SILENCE_MS, 50, " ms")
            with ui.element("div").classes("dependents") as self._semantic:
                self._toggle("eagerness", "Eagerness to reply", EAGERNESS)
            self._by_hand = ui.label("Hold the button or the Space key while you speak.").classes("hint")
            self._hint = ui.label().classes("hint warning").props("role=status data-testid=hint")
            with ui.element("div").classes("dependents") as self._interrupting:
                ui.label("Speaking over a reply cuts it short").classes("field-label")
                self._toggle("barge_in", "Speaking over a reply cuts it short", BARGE_IN)
                self._barge_in_hint = ui.label().classes("hint").props("data-testid=barge-in-hint")
            ui.label("Escape always cuts a reply short.").classes("hint")

    def _build_hearing(self) -> None:
        with _section("What is heard"):
            if self._writer:
                ui.label(
                    f"{self._writer} transcribes what you say. Another model listens and answers, so the two may "
                    "understand you differently."
                ).classes("hint").props("data-testid=writer")
            languages = ui.select(
                LANGUAGES,
                label="Languages you speak (none: automatic)",
                multiple=True,
                value=list(parts_of(self.choices.language)),
            )
            languages.props('outlined dense options-dense data-testid="choice-language"')
            languages.on_value_change(lambda event: self._take({"language": ",".join(event.value)}))
            self._fields["language"] = languages
            self._textarea("keywords", "Names and jargon, separated by commas", are_keywords)
            self._textarea("transcription_prompt", "What it is about", lambda text: len(text) <= LONGEST_PROMPT)
            ui.label("Noise reduction at the server").classes("field-label")
            self._toggle("noise_reduction", "Noise reduction at the server", NOISE_REDUCTION)

    def _build_replies(self) -> None:
        with _section("Replies"):
            if self._models:
                self._select("model", "Model", list(self._models))
            self._prices = ui.label().classes("hint").props("data-testid=prices")
            self._sums = ui.label().classes("hint").props("data-testid=sums")
            self._select("voice", "Voice", {"": "The server's choice", **{voice: voice.title() for voice in VOICES}})
            self._select("output_device", "Speaker", {"": "Browser default"})
            self._fields["output_device"].set_visibility(False)
            self._slider("speed", "Speaking speed", *SPEED, 0.05, "×")
            ui.label("Once the model has spoken, a new voice is used from the next Start.").classes("hint")
            self._select("reasoning_effort", "Reasoning effort (reasoning models only)", list(EFFORTS))
            self._instructions = self._textarea(
                "instructions", "Instructions", lambda text: len(text) <= LONGEST_INSTRUCTIONS
            )

    def _build_reading(self) -> None:
        with _section("Reading and writing"):
            self._toggle("text_size", "Text size", TEXT_SIZES)
            self._switch("plain_text", "Plain text: no formatting of replies")
            self._switch("typing", "Type instead of speaking")
            with ui.element("div").classes("settings-actions"):
                for label, icon, handler in (
                    ("Copy conversation", "content_copy", self._js_copy),
                    ("Download", "download", self._js_download),
                ):
                    ui.button(label, icon=icon, color=None).props("outline no-caps").on("click", js_handler=handler)

    def _show_dependents(self) -> None:
        if not self._fields:
            return
        detection = self.choices.turn_detection
        self._automatic.set_visibility(detection == "server_vad")
        self._semantic.set_visibility(detection == "semantic_vad")
        self._by_hand.set_visibility(detection == "none")
        self._hint.set_text(self.choices.hint)
        self._interrupting.set_visibility(detection != "none")
        self._barge_in_hint.set_text(BARGE_IN_HINTS[self.choices.barge_in])
        self._instructions.props["placeholder"] = INSTRUCTIONS[self.choices.output]

    # The kinds of fields; each reports its choice by name.

    def _handle(self, name: str) -> Callable[[Any], None]:
        return lambda event: self._take({name: event.value})

    def _select(self, name: str, label: str, options: dict[str, str] | list[str]) -> None:
        value = getattr(self.choices, name)
        if value not in options:
            options = [*options, value] if isinstance(options, list) else {**options, value: value}
        field = ui.select(options, label=label, value=value, on_change=self._handle(name))
        self._fields[name] = field.props(f'outlined dense options-dense data-testid="choice-{name}"')

    def _textarea(self, name: str, label: str, allowed: Callable[[str], bool]) -> ui.textarea:
        """Reports when it is left, or the panel closed; what is too long is not taken."""
        field = ui.textarea(
            label, value=getattr(self.choices, name), validation={"Too long": lambda it: allowed(it or "")}
        )
        field.props("outlined dense autogrow hide-bottom-space")

        def take() -> None:
            if allowed(field.value or ""):
                self._take({name: field.value or ""})

        field.on("blur", take)
        self._texts.append(take)
        self._fields[name] = field
        return field

    def _switch(self, name: str, label: str) -> None:
        self._fields[name] = ui.switch(label, value=getattr(self.choices, name), on_change=self._handle(name))

    def _toggle(self, name: str, label: str, options: dict[str, str]) -> None:
        field = ui.toggle(options, value=getattr(self.choices, name), on_change=self._handle(name))
        self._fields[name] = field.props(f'no-caps unelevated spread role=group aria-label="{label}"')

    def _slider(self, name: str, label: str, least: float, most: float, step: float, unit: str) -> None:
        """Reports when it is released, because each step on the way would be a message to the server."""
        with ui.element("div").classes("field-label"):
            ui.label(label)
            shown = ui.label()
        field = ui.slider(min=least, max=most, step=step, value=getattr(self.choices, name))
        shown.bind_text_from(field, "value", lambda value: f"{value:g}{unit}")
        field.props(f'aria-label="{label}"').on("change", lambda event: self._take({name: event.args}))
        self._fields[name] = field


@contextmanager
def _section(title: str) -> Iterator[None]:
    with ui.element("section").props(f'aria-label="{title}"'):
        ui.label(title).classes("settings-title").props("role=heading aria-level=3")
        yield
