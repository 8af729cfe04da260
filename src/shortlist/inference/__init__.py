"""Tokenise texts, batch them by length, run them on a runtime, and put the results back in order."""
