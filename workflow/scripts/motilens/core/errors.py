"""The exception for mistakes that the user can correct."""


class InputError(Exception):
    """Something that the user gave cannot be used; the message names the place and the remedy."""
