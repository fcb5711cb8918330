"""Spaces of architectures -> forests in which every derivation is well typed, and what is drawn from them."""
