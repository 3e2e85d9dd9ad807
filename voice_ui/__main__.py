"""`python -m voice_ui`: the same as `voice-ui`, and as `python main.py` in a checkout."""

import gc


def main() -> None:
    """Run until interrupted."""
    # Importing makes two hundred thousand objects, and all of them stay. `Collector.freeze` enables it again.
    gc.disable()
    from voice_ui import app

    app.main()


if __name__ == "__main__":  # and not "__mp_main__": as that the window's process of --native reads this file
    main()
