"""The roof: the processes, the command line, and the one page on which everything is wired (`app.py`)."""
