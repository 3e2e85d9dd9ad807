"""The practice server: a small realtime server inside Voice UI that works without an API key, a network or a model.

`server` has the sockets, `connection` the tasks of one client, `session` what a client event means, `reply` one
response; `parts` defines what a recogniser, a voice and a brain are; `defaults` picks those that this machine has.
"""
