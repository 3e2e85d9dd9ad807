"""`python -m voice_ui`: the same as `voice-ui`, and as `python main.py` in a checkout."""

from voice_ui.app import main

if __name__ == "__main__":  # and not "__mp_main__": as that the window's process of --native reads this file
    main()
