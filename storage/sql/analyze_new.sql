SELECT analyze_new()
