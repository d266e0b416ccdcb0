"""Errors that a user gets."""

import pytest

from motilens.core.errors import InputError


def assert_refused(message, function, /, *arguments, **options):
    """The call ends with an error of the user's whose text has this pattern."""
    with pytest.raises(InputError, match=message):
        function(*arguments, **options)
