"""The practice server: a small realtime server inside Voice UI, for use without a key, a network or a model.

`server` has the sockets, `connection` the tasks of one client, `session` what a client event means, `reply` one
response; `parts` says what a recogniser, a voice and a brain are, `defaults` which of them this machine has.
"""
