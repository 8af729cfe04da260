"""Measuring: query sets, measures, evaluation of a set-up, and the tuning of the pool."""
