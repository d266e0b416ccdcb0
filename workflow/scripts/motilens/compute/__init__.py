"""Devices, and what jobs need of a machine; nothing here makes a result stale."""
