"""Rules: from facts to what somebody is entitled to, why, when, how much, and whether one can act now.

A service's conditions are lowered to one small tree (`ir`), and everything else reads that tree: generated Python
(`python`), the explanation (`explain`), the timeline (`timeline`). `engine` is the door.
"""
