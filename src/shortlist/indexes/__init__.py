"""Engines that store passages, one folder per engine."""
