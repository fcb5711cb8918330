"""What strategies learn of a space from trials: features, a Gaussian process, boosted trees, and where to look next."""
