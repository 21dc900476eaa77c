"""Bank statements and payment files, one module a format; each turns a text or a tree into `Statement` records."""
