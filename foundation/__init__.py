"""The ground floor: settings, errors, words, clock, store, HTTP, telemetry. It imports nothing of ours."""
