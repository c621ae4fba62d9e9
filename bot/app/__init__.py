"""The composition root: the only place that names concrete adapters and knows which way the product is run.

Straight-line by intent. What is opened is closed by the ``AsyncExitStack`` that it was opened on, in reverse.
"""
