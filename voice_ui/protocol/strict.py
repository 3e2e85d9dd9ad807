"""What a client may say, to the letter, as pydantic models. Pure.

Only the practice server imports this; pydantic is not loaded for a session. The models check and nothing more: the
event itself is read by its class in `client`. What the practice server cannot do (audio in another format than PCM,
MCP, prompts) is refused here and not pretended. Shapes: openai 3.57, types/realtime/realtime_client_event.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

MAX_TEXT = 200_000
"""Characters in one text of a client."""

MAX_AUDIO = 4 * 1024 * 1024
"""Characters of base64 in one event: a minute of audio. OpenAI takes 15 MiB of audio, but does not share a process."""

MAX_IMAGE = 4 * 1024 * 1024
"""Characters of the data URI of one image."""

Id = Annotated[str, Field(max_length=64)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(max_length=256)]
Tokens = Annotated[
    Annotated[int, Field(ge=1, le=4096), Tag("integer")] | Annotated[Literal["inf"], Tag("text")],
    Discriminator(lambda value: "text" if isinstance(value, str) else "integer"),
]


def _kind(value: Any) -> str:
    return "object" if isinstance(value, dict) else "text"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Pcm(_Strict):
    type: Literal["audio/pcm"]
    rate: Annotated[int, Field(ge=24_000, le=24_000)] = 24_000


class _Replies(_Strict):
    create_response: bool | None = None
    interrupt_response: bool | None = None


class ServerVad(_Replies):
    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0, le=5000)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=0, le=10_000)] | None = None
    idle_timeout_ms: Annotated[int, Field(ge=5000, le=30_000)] | None = None


class SemanticVad(_Replies):
    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] | None = None


class NoTurnDetection(_Strict):
    """How Azure's clients say null."""

    type: Literal["none"]


class Transcription(_Strict):
    model: Name | None = None
    language: Name | None = None
    languages: Annotated[list[Name], Field(max_length=100)] | None = None
    prompt: Text | None = None
    keywords: Annotated[list[Name], Field(max_length=1000)] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class NoiseReduction(_Strict):
    type: Literal["near_field", "far_field"] | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None


class AudioInput(_Strict):
    format: Pcm | None = None
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: Annotated[ServerVad | SemanticVad | NoTurnDetection, Field(discriminator="type")] | None = None


class VoiceId(_Strict):
    id: Name


Voice = Annotated[Annotated[VoiceId, Tag("object")] | Annotated[Name, Tag("text")], Discriminator(_kind)]


class AudioOutput(_Strict):
    format: Pcm | None = None
    voice: Voice | None = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


class SessionAudio(_Strict):
    input: AudioInput | None = None
    output: AudioOutput | None = None


class Function(_Strict):
    type: Literal["function"]
    name: Id
    description: Text | None = None
    parameters: dict[str, Any] | None = None


class NamedTool(_Strict):
    type: Literal["function"]
    name: Id


class Reasoning(_Strict):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class TokenLimits(_Strict):
    post_instructions: Annotated[int, Field(ge=0)] | None = None


class Retention(_Strict):
    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Field(ge=0, le=1)]
    token_limits: TokenLimits | None = None


class _Generation(_Strict):
    instructions: Text | None = None
    output_modalities: list[Literal["text", "audio"]] | None = None
    max_output_tokens: Tokens | None = None
    tools: Annotated[list[Function], Field(max_length=128)] | None = None
    tool_choice: (
        Annotated[
            Annotated[NamedTool, Tag("object")] | Annotated[Literal["none", "auto", "required"], Tag("text")],
            Discriminator(_kind),
        ]
        | None
    ) = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None


class Session(_Generation):
    type: Literal["realtime", "transcription"] | None = None
    model: Name | None = None
    audio: SessionAudio | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    tracing: Literal["auto"] | dict[str, Any] | None = None
    truncation: (
        Annotated[
            Annotated[Retention, Tag("object")] | Annotated[Literal["auto", "disabled"], Tag("text")],
            Discriminator(_kind),
        ]
        | None
    ) = None


class InputText(_Strict):
    type: Literal["input_text"]
    text: Text


class InputAudio(_Strict):
    type: Literal["input_audio"]
    audio: Annotated[str, Field(max_length=MAX_AUDIO)]
    transcript: Text | None = None


class InputImage(_Strict):
    type: Literal["input_image"]
    image_url: Annotated[str, Field(max_length=MAX_IMAGE)]
    detail: Literal["auto", "low", "high"] | None = None


class OutputText(_Strict):
    type: Literal["output_text"]
    text: Text


class OutputAudio(_Strict):
    type: Literal["output_audio"]
    transcript: Text


class _Item(_Strict):
    id: Annotated[str, Field(max_length=32)] | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class _Message(_Item):
    type: Literal["message"]


UserPart = Annotated[InputText | InputAudio | InputImage, Field(discriminator="type")]


class UserMessage(_Message):
    role: Literal["user"]
    content: Annotated[list[UserPart], Field(max_length=64)]


class AssistantMessage(_Message):
    role: Literal["assistant"]
    content: Annotated[list[Annotated[OutputText | OutputAudio, Field(discriminator="type")]], Field(max_length=64)]


class SystemMessage(_Message):
    role: Literal["system"]
    content: Annotated[list[InputText], Field(max_length=64)]


class FunctionCallItem(_Item):
    type: Literal["function_call"]
    call_id: Id | None = None
    name: Id
    arguments: Text


class FunctionCallOutput(_Item):
    type: Literal["function_call_output"]
    call_id: Id
    output: Text


Message = Annotated[UserMessage | AssistantMessage | SystemMessage, Field(discriminator="role")]
Item = Annotated[Message | FunctionCallItem | FunctionCallOutput, Field(discriminator="type")]


class ResponseAudio(_Strict):
    output: AudioOutput | None = None


class Response(_Generation):
    audio: ResponseAudio | None = None
    conversation: Literal["auto"] | None = None
    metadata: Annotated[dict[Id, Annotated[str, Field(max_length=512)]], Field(max_length=16)] | None = None


class _Event(_Strict):
    event_id: Annotated[str, Field(max_length=512)] | None = None


class SessionUpdateModel(_Event):
    type: Literal["session.update"]
    session: Session


class Append(_Event):
    type: Literal["input_audio_buffer.append"]
    audio: Annotated[str, Field(max_length=MAX_AUDIO)]


class Bare(_Event):
    type: Literal["input_audio_buffer.commit", "input_audio_buffer.clear"]


class ItemCreate(_Event):
    type: Literal["conversation.item.create"]
    item: Item
    previous_item_id: Id | None = None


class ItemNamed(_Event):
    type: Literal["conversation.item.delete", "conversation.item.retrieve"]
    item_id: Id


class ItemTruncate(_Event):
    type: Literal["conversation.item.truncate"]
    item_id: Id
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0)]


class ResponseCreateModel(_Event):
    type: Literal["response.create"]
    response: Response | None = None


class ResponseCancelModel(_Event):
    type: Literal["response.cancel"]
    response_id: Id | None = None


CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        SessionUpdateModel
        | Append
        | Bare
        | ItemCreate
        | ItemNamed
        | ItemTruncate
        | ResponseCreateModel
        | ResponseCancelModel,
        Field(discriminator="type"),
    ]
)
