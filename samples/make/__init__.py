"""Makes the sample corpus: invented business documents of four invented firms, in every format that Faldone reads.

Run `python -m samples.make` from the root of the repository; the files are the same on every run. Each firm has one
set of numbers (`firms`, rolled forward by `ledger`), laid out once as statements (`civil`, `ifrs`, `american`); every
file of the firm and `figures.json` are written from these, so that the known figures cannot drift from the pages.
Nothing here is imported by the product.
"""
