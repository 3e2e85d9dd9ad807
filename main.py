"""`python main.py`: press one button in the browser, speak, and read the reply."""

from voice_ui.app import main

if __name__ in {"__main__", "__mp_main__"}:  # the second is how the window process of native mode knows itself
    main()
