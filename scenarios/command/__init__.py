"""What a command of a scenario does: its steps, one file each, put together by
:mod:`scenarios.runner`."""
