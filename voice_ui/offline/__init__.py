"""The embedded realtime server: practice mode, test double and fault injector in one. No model, no network, no key.

`server` has the sockets, `connection` the tasks of one client, `engine` what a client event means; `vad`, `recognizer`
and `replies` are its ears and its wits.
"""
