"""What the practice server says about itself. Pure."""

from __future__ import annotations

HINTS = (
    "Try “what time is it”, “what is seven plus five” or “help”.",
    "You could say “set a timer for ten seconds”.",
    "You could ask “how many kilometers is ten miles”.",
    "You could say “tell me a story”.",
    "You could say “count to ten” or “spell lighthouse”.",
)
"""A different one each time."""

READ_BACK = (
    "I heard: {heard} I am the practice server, not a language model, and have no answer to that. {hint}",
    "You said: {heard} There is no built-in answer to that. {hint}",
    "I heard {heard} That is all I can do with it. {hint}",
    "You said {heard} It would take a language model to answer that. {hint}",
)

NOTHING_HEARD = (
    "I heard a voice, but no words. I am the practice server, not a language model, and understand English only. {hint}"
)

HELLO = "Hello! I am the practice server, not a language model, but I can hear you. {hint}"

CAN_HEAR = "Yes, I can hear you. {hint}"

NAME = "I am the practice server of Voice UI, not a language model. {hint}"

FINE = "Fine, thank you. I am the practice server, not a language model. {hint}"

ALARM = "I can set timers, such as “set a timer for ten minutes”, but no alarm for a time of day."

OKAY = "Okay. {hint}"

LANGUAGES = "I understand and speak English only."

HELP = """\
I am the practice server that comes with Voice UI, not a language model. Everything happens on this machine.

Ask me for the time, the date, a sum such as “twelve times seven”, or a conversion such as “ten miles to kilometers”. \
I can set a timer, count, spell a word, repeat my last answer, also more slowly, and tell a long story, so that you \
can watch a reply being written. Anything else I read back to you.

To talk to a real model, set OPENAI_API_KEY in .env.local and restart. To use a model on your own machine, set \
VOICE_UI_CHAT_URL; for Ollama that is http://localhost:11434/v1."""
