"""Financial statements out of tables: numbers, labels, periods, then statements, figures, checks and metrics."""
