"""Every setting of Faldone, in one class, read from the environment (prefix FALDONE_) or a `.env` file.

Nothing is read at import: call `load()` where a job begins and pass the object on. Prefect's own settings keep
Prefect's names and are not repeated here.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infra.errors import UsageError


class Limits(BaseModel):
    """What one document may cost before it goes to quarantine. Set each as FALDONE_LIMITS__NAME."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(120, gt=0, description="Deadline for parsing one document.")
    seconds_per_page: float = Field(20, gt=0, description="What each OCR page adds to that deadline.")
    memory: ByteSize = Field(
        ByteSize(1536 * 2**20), description="Memory of the child process that parses, e.g. 1536MiB."
    )
    file_size: ByteSize = Field(ByteSize(512 * 2**20), description="Largest file that is read.")
    pages: int = Field(5_000, gt=0, description="Most pages of one document.")
    pixels: int = Field(120_000_000, gt=0, description="Most pixels of one image or rendered page.")
    unpacked: ByteSize = Field(
        ByteSize(2**30), description="Most bytes that an archive format (DOCX, ODT, …) may unpack to."
    )
    unpack_ratio: int = Field(200, gt=1, description="Largest ratio of unpacked to packed bytes of one archive.")
    disk: ByteSize = Field(
        ByteSize(2 * 2**30),
        description="Most bytes that reading one document may take on the disk, its programs included.",
    )
    cells: int = Field(
        2_000_000, gt=0, description="Most cells of one spreadsheet, or elements of one electronic invoice."
    )
    attachments: int = Field(200, ge=0, description="Most files within one mail or document.")
    members: int = Field(10_000, ge=0, description="Most files within one archive or mailbox, nested ones included.")


class Passwords(BaseModel):
    """Passwords by the name of what they open. Set each as FALDONE_PASSWORDS__NAME."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, SecretStr]  # frozen and so hashable, as settings are keys of caches

    def of(self, name: str) -> SecretStr | None:
        """Return a password, None where it is not set."""
        return self.__pydantic_extra__.get(name)


class Settings(BaseSettings):
    """Settings of one installation; see the README's table for each environment variable."""

    model_config = SettingsConfigDict(
        env_prefix="FALDONE_", env_file=".env", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    home: str = Field(".faldone", description="Data folder, or s3://bucket/prefix.")
    redis_url: SecretStr | None = Field(None, description="redis://…; without it there is no shared cache.")
    single_writer: bool = Field(
        False,
        description="No other machine writes to a data folder in an object store, so it may be written without Redis.",
    )
    dask: str = Field("auto", description="auto, threads, local, or the address of a scheduler (tcp:// or tls://).")
    workers: int = Field(
        0, ge=0, description="Worker processes of a local cluster, or parser processes; 0: one a core."
    )
    embedding_model: str = Field(
        "auto",
        description="auto (bundled for English, multilingual for the rest), bundled, multilingual, a Hugging Face id, or a folder.",
    )
    query_prefix: str = Field("", description="Text that the embedding model wants before a query, e.g. 'query: '.")
    passage_prefix: str = Field("", description="Text that the embedding model wants before a passage.")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["int8", "bfloat16", "float32"] = Field(
        "int8",
        description="Of the encoder's matrix products on a processor; int8 is fastest (cosine to float32 0.997).",
    )
    ocr: Literal["auto", "off", "always"] = "auto"
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        ("ita", "eng"), description="Tesseract's names, comma-separated."
    )
    office: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="VAT numbers of the firm whose papers these are, comma-separated: what it buys and what it sells.",
    )
    smtp_url: SecretStr | None = Field(None, description="smtp://user:password@host:port/?from=…&to=…")
    alert_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), description="Apprise URLs, comma-separated.")
    backups: str = Field("", description="Where backups go: a folder or s3://…; empty: `backups` in the data folder.")
    passwords: Passwords = Field(
        Passwords(), description="Of saved mailboxes: FALDONE_PASSWORDS__NAME for the source NAME."
    )
    sources: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Folders and URLs under which sources must lie, comma-separated; empty: anywhere. Set it where users name sources.",
    )
    limits: Limits = Limits()

    @field_validator("languages", "alert_urls", "office", "sources", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("dask")
    @classmethod
    def _known_dask(cls, value: str) -> str:
        if value in {"auto", "threads", "local"} or value.startswith(("tcp://", "tls://")):
            return value
        raise ValueError("must be auto, threads, local, or a scheduler address such as tcp://host:8786")

    def without_secrets(self) -> Settings:
        """Return what travels to workers: they take secrets from their own environment."""
        return self.model_copy(update={"smtp_url": None, "alert_urls": (), "redis_url": None, "passwords": Passwords()})

    @property
    def remote(self) -> bool:
        """Say whether the data folder is in an object store."""
        return "://" in self.home

    @property
    def root(self) -> str:
        """Return the data folder as an absolute path, or its URL."""
        return self.home.rstrip("/") if self.remote else str(Path(self.home).expanduser().resolve())

    @property
    def scratch(self) -> Path:
        """Return the local folder for locks and staging: the data folder, or where that is remote one of this user's by the data folder's key.

        It does not depend on the working directory, or two processes would hold one lock each.
        """
        if not self.remote:
            return Path(self.root)
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(state).expanduser().resolve() / "faldone" / self.key

    @property
    def key(self) -> str:
        """Return 12 hexadecimal digits that tell this data folder from others."""
        return hashlib.blake2b(self.root.encode(), digest_size=6).hexdigest()


SECRETS = ("redis_url", "smtp_url", "alert_urls")
"""Settings that may lie in a file of their own: FALDONE_REDIS_URL_FILE=/run/secrets/redis_url stands for FALDONE_REDIS_URL."""


def _secrets_in_files() -> dict[str, str]:
    found = {}
    for name in SECRETS:
        variable = f"FALDONE_{name.upper()}"
        file = os.environ.get(f"{variable}_FILE", "")
        if file and variable not in os.environ:
            try:
                found[name] = Path(file).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"{variable}_FILE: {file} cannot be read: {error}") from None
    return found


def load() -> Settings:
    """Read the settings now.

    Raises:
        UsageError: a setting has a value that it cannot have; the message names the environment variable.
    """
    try:
        return Settings(**_secrets_in_files())  # type: ignore[arg-type]  # pydantic makes secrets of them
    except ValidationError as error:
        first = error.errors()[0]
        name = "FALDONE_" + "__".join(str(part) for part in first["loc"]).upper()
        raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
