"""Voice UI: press one button in the browser, speak, and read a realtime model's reply while it is being written."""
