"""Exceptions with a message for the user."""


class InputError(Exception):
    """Something that the user gave cannot be used; the message names the place and the remedy."""


class MachineFault(InputError):
    """A program was killed, or cannot run: nothing is wrong with what the user gave."""
