"""Realtime servers for tests: scripted or behaving, faulty on demand, strict about what a client sends."""
