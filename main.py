"""`python main.py`: press one button in the browser, speak, and read the reply."""

from voice_ui.__main__ import main

if __name__ == "__main__":  # and not "__mp_main__": as that the window's process of --native reads this file
    main()
