"""Attempts to break each promise about the room, against the program as a user starts it."""
