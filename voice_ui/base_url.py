"""What people paste as the address of a realtime server, and the address that is meant. Pure.

Portals show full addresses ("Target URI") where a setting wants the beginning of one, with a path, a query, an
api-version or a deployment at the end; examples of other clients end in /realtime or /chat/completions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

AZURE_DOMAINS = (
    ".openai.azure.com",
    ".cognitiveservices.azure.com",
    ".services.ai.azure.com",
    ".openai.azure.us",
    ".openai.azure.cn",
)
"""Hosts of Azure OpenAI resources (Microsoft Learn, "Azure OpenAI in Microsoft Foundry Models v1 API")."""

_WEBSOCKET = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}

_ENDPOINTS = re.compile(
    r"/(realtime(/(calls|client_secrets|sessions|transcription_sessions))?|chat/completions|completions|responses"
    r"|models|audio/(speech|transcriptions))$"
)
"""Addresses of single endpoints, below the one that is asked for."""

_AZURE_PATH = re.compile(r"^(?P<gateway>.*?)/openai(?:/deployments/(?P<deployment>[^/]+))?(?:/.*)?$")

_AZURE_PROJECT = re.compile(r"/api/projects(/.*)?$")


@dataclass(frozen=True)
class BaseUrl:
    """The beginning of a server's addresses, and what else stood in what was pasted."""

    root: str
    """ws:// or wss://, host and path, where /realtime is still to come."""
    model: str = ""
    """The model or deployment that was named in it."""
    query: str = ""
    """What the server wants in each request; without the model."""
    credentials: str = ""
    """`user:password`, decoded; sent as a header, never as part of an address."""
    key: str = ""
    """An Azure key that stood in the query."""
    api_version: str = ""

    def realtime(self, **query: str) -> str:
        """Return the address to connect to, with these parameters after those that were pasted."""
        more = "&".join(f"{name.replace('_', '-')}={quote(value, safe='')}" for name, value in query.items())
        joined = "&".join(part for part in (self.query, more) if part)
        return f"{self.root}/realtime" + (f"?{joined}" if joined else "")


def is_azure(url: str) -> bool:
    """Whether the address belongs to an Azure OpenAI resource."""
    return (urlsplit(url).hostname or "").endswith(AZURE_DOMAINS)


def compatible(url: str) -> BaseUrl:
    """Return what a pasted address of a compatible server means; an http address becomes a websocket one."""
    parts = urlsplit(url)
    path = _ENDPOINTS.sub("", parts.path.rstrip("/"))
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    model = next((value for name, value in pairs if name == "model"), "")
    query = urlencode([(name, value) for name, value in pairs if name != "model"], quote_via=quote, safe="")
    return BaseUrl(f"{_origin(parts)}{path}", model, query, _credentials(parts))


def azure(url: str) -> BaseUrl:
    """Return what a pasted address of an Azure OpenAI resource means; its root ends in front of /openai."""
    parts = urlsplit(url)
    path = _AZURE_PROJECT.sub("", parts.path.rstrip("/"))
    deployment = ""
    if found := _AZURE_PATH.match(path):
        path, deployment = found["gateway"], unquote(found["deployment"] or "")
    else:
        path = _ENDPOINTS.sub("", path).removesuffix("/v1")
    given = dict(parse_qsl(parts.query))
    return BaseUrl(
        f"{_origin(parts)}{path}",
        given.get("deployment") or given.get("model") or deployment,
        "",
        _credentials(parts),
        given.get("api-key", ""),
        given.get("api-version", ""),
    )


def _origin(parts: SplitResult) -> str:
    return f"{_WEBSOCKET[parts.scheme]}://{parts.netloc.rpartition('@')[2]}"


def _credentials(parts: SplitResult) -> str:
    return unquote(parts.netloc.rpartition("@")[0])
