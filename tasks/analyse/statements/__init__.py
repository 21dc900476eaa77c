"""Financial statements out of tables. The way of a document, one module a step:

1. `join_pages`: tables that go on over pages are one again, by the civil code's order (`civil_scheme`) where needed.
2. `prepare_tables`, `read_grids`: each table as a grid of lines, with numbers (`read_numbers`) under periods
   (`read_periods`); `read_lines` does it for statements that are lines of text.
3. `find_statements`: which grids are the primary statements, by the words in `wordings` and canonical labels
   (`match_labels`).
4. `pick_items`: the line, or the lines put together (`picks`), for each item; `read_civil_code` for that layout.
5. `extract_figures`: `figures` with scale (`read_scale`), period and place; `derive_figures` adds what identities give.
6. `read_xbrl`: exact facts (`match_concepts`) over read text; `check_figures` and `compute_metrics` at the end.
"""
