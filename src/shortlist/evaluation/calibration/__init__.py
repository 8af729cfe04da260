"""Stop rules and probability curves, fitted on judged queries."""
