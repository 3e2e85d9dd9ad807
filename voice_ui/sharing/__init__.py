"""Sharing: who may connect, and how they find the page. Nothing is imported here: without `--share` most of it
is not needed, and must not delay the first page.
"""
