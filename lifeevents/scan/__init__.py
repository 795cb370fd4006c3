"""Rules over a whole population: who is affected by the days that come (`changes`), and by a rule that changes (`desk`)."""
