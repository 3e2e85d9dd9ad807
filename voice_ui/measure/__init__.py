"""The project's own numbers, reproducible by anyone: `python -m voice_ui.measure`. See benchmarks/README.md."""
