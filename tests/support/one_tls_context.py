"""Certificates that are read once, in each process that imports this module.

Reading them takes 0.02 s of CPU time, and each test of a channel has several clients of its own.
"""

import functools

import httpcore

httpcore.default_ssl_context = functools.cache(httpcore.default_ssl_context)
