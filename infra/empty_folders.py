"""Folders that some S3 servers keep when all that was in them is gone.

S3 itself has none: a folder is what its keys begin with. SeaweedFS has, and goes on listing the empty ones, so a dropped table would be there
for ever by name, and every backup would fail at it.
"""

from __future__ import annotations

from typing import Any


def drop(fs: Any, inner: str) -> None:
    """Remove a folder of an S3 store and those within it, where they are empty; one request where there is none.

    Args:
        fs: the fsspec driver. Drivers of other stores are left alone.
        inner: the path within the store, the bucket first.
    """
    if "s3" not in fs.protocol:
        return
    bucket, _, key = inner.partition("/")
    folders = [f"{key.rstrip('/')}/"]
    for folder in folders:  # grows while it is walked: those within come after the one that holds them
        folders += _within(fs, bucket, folder)
    for folder in reversed(folders if len(folders) > 1 or _is_listed(fs, bucket, folders[0]) else []):
        fs.call_s3("delete_object", Bucket=bucket, Key=folder)
    fs.invalidate_cache()


def _within(fs: Any, bucket: str, folder: str) -> list[str]:
    told = fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=folder, Delimiter="/")
    return [one["Prefix"] for one in told.get("CommonPrefixes") or ()]


def _is_listed(fs: Any, bucket: str, folder: str) -> bool:
    told = fs.call_s3("list_objects_v2", Bucket=bucket, Prefix=folder.rstrip("/"), Delimiter="/")
    return any(one["Prefix"] == folder for one in told.get("CommonPrefixes") or ())
