"""Parts of :mod:`benchmarks.mmsemcom_comparison`, one a table of the MMSemCom paper."""
