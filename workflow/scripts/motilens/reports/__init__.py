"""Tables for people, and figures."""
