"""The choice of a pool size and of weights from one scoring pass."""
