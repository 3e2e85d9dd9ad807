"""The conversation in the browser: `VoicePanel` for any NiceGUI page, and our own page around it."""
