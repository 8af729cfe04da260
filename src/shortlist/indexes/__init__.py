"""Where passages live, one folder an engine."""
