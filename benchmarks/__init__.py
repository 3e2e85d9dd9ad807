"""The project's own figures beside their floors, from a checkout: `python -m benchmarks`. See README.md."""
