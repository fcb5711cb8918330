"""A space, a task and a budget -> networks that can be trusted, reproduced and taken away."""
