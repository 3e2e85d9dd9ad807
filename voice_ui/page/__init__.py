"""The conversation in the browser: `VoicePanel` for anybody's page, and our own page around it."""
