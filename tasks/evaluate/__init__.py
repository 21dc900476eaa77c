"""Measure how well search finds what is relevant, and whether a change made it better or worse.

questions.py  queries with their relevant documents and pages: JSON lines, TREC qrels, the fixed halves
measures.py   hit@k, MRR and nDCG of one ranked list
compare.py    intervals, and paired tests of two runs over the same questions
runs.py       one run: ask, measure, keep it in the collection's history, compare, and apply the gate
"""
