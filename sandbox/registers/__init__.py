"""What the registers of agencies without a published interface hold about the nation: one file for each agency.

Each file names what it answers in `ANSWERS`, by operation. A question that no file answers is made up from its shape.
"""
