"""The typing rules: an expression and what flows into it -> what flows out, for checking and for building."""
