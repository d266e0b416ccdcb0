"""Devices and how arithmetic is done; nothing here makes a result stale."""
