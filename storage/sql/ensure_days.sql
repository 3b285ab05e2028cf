SELECT ensure_days()
