"""The layers that every request passes before and after its route."""
