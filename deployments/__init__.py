import infra  # noqa: F401 - before Prefect is imported, which would tell its makers
