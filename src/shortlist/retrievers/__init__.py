"""Stage one: a query to a ranked pool of passages."""
