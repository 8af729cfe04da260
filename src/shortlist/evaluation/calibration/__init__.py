"""Stop rules and probabilities, fitted on judged queries."""
