"""The queues that join the requests of many clients into batches for one model."""
