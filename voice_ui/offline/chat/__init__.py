"""Replies from a language model behind an OpenAI-compatible chat endpoint: Ollama, llama.cpp, LM Studio, vLLM.

`endpoint` is where it is, `context` what it is given, `stream` what it sends, `failures` what its errors mean, and
`model` the part of the practice server that ties them together.
"""

from voice_ui.offline.chat.endpoint import ChatEndpoint
from voice_ui.offline.chat.model import ChatModel

__all__ = ["ChatEndpoint", "ChatModel"]
