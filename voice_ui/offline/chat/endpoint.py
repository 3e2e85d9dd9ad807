"""Where a chat model is: its address, its name and its key. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from voice_ui.servers import Endpoint
from voice_ui.settings import Secret, Settings

SETTING = "VOICE_UI_CHAT_URL"


@dataclass(frozen=True)
class ChatEndpoint:
    """An OpenAI-compatible chat API. `url` ends in /v1 as a rule; what people paste is corrected."""

    url: str = field(repr=False)
    """http:// or https://; it may contain credentials."""
    model: str = ""
    """Empty: the first one that the server lists."""
    key: Secret | None = None

    @classmethod
    def of(cls, settings: Settings) -> ChatEndpoint | None:
        """Return the endpoint that the settings name, None if they name none."""
        if not settings.chat_url:
            return None
        return cls(settings.chat_url, settings.chat_model or "", settings.chat_api_key)

    @property
    def base(self) -> str:
        """The beginning of all addresses, without a slash at its end."""
        base = re.sub(r"/(chat/completions|completions|models|responses)?/*$", "", self.url.split("?")[0])
        return base if urlsplit(base).path.strip("/") else f"{base.rstrip('/')}/v1"

    @property
    def place(self) -> str:
        """The address for people to read: no credentials, no query."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def requests_to(self) -> Endpoint:
        """What `transport.http` needs to know."""
        headers = {"Authorization": Secret(f"Bearer {self.key.reveal()}")} if self.key else {}
        return Endpoint(urlsplit(self.base).hostname or "", self.base, self.model, headers, setting=SETTING)
