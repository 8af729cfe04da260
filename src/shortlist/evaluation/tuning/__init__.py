"""The choice of pool size, blend, fusion weight and threshold from one scoring pass."""
