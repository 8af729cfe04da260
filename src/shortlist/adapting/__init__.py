"""The packaged reranker, fitted to the queries of a user: its last layer and head, and the weights of stage one."""
