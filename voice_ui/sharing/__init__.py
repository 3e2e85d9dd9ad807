"""Sharing: who may come in, and how the others find the way. Nothing is imported here: without `--share` most of it
is not needed, and must not delay the first page.
"""
