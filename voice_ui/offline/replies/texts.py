"""What the practice server says about itself. Pure."""

from __future__ import annotations

HINTS = (
    "Try “what time is it”, “what is seven plus five” or “help”.",
    "You could say “set a timer for ten seconds”.",
    "You could ask “how many kilometers are in ten miles”.",
    "You could say “tell me a story”.",
    "You could say “count to ten” or “spell lighthouse”.",
)
"""A different one each time."""

READ_BACK = (
    "I heard: “{heard}”. I am the practice server, not a language model, so that is all I can say about it. {hint}",
    "You said: “{heard}”. The practice server has no answer to that: it is not a language model. {hint}",
    "I understood “{heard}”. As the practice server I am not a language model, with a few built-in answers. {hint}",
    "“{heard}”: that is what I heard. The practice server is not a language model and cannot discuss it. {hint}",
)

NOTHING_HEARD = (
    "I heard a voice, but no words. I am the practice server, not a language model, and understand English only. {hint}"
)

HELLO = "Hello! I am the practice server: I hear you, but I am not a language model. {hint}"

HELP = """\
I am the practice server that comes with Voice UI, not a language model. Everything happens on this machine.

I can tell you the time and the date, do sums such as “twelve times seven”, convert units such as “ten miles to \
kilometers”, count, spell a word, set a timer, repeat my last answer, also slower, and tell a long story, so that you \
can watch a reply being written. Anything else I read back to you.

To talk to a real model, put your OPENAI_API_KEY into .env.local and start me again. To use a model on your own \
machine, set VOICE_UI_CHAT_URL to its address: with Ollama, http://localhost:11434/v1."""
