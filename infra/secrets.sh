#!/usr/bin/env bash
# Make the secrets of infra/compose.yaml, each a file of its own; those that are there stay as they are.
#   bash infra/secrets.sh [FOLDER]      infra/secrets where none is named
set -euo pipefail
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
cd "$folder"
random() { head -c 24 /dev/urandom | base64 | tr -d '/+='; }
make() { [ -s "$1" ] || printf '%s' "$2" > "$1"; }
make postgres_password "$(random)"
make redis_password "$(random)"
make s3_access_key "faldone"
make s3_secret_key "$(random)"
make prefect_auth "faldone:$(random)"
make daemon_token "$(random)"
make prefect_database "postgresql+asyncpg://faldone:$(cat postgres_password)@postgres:5432/faldone"
make faldone_redis_url "redis://:$(cat redis_password)@redis:6379/0"
make docket_url "redis://:$(cat redis_password)@redis:6379/1"
make s3_config "{\"identities\": [{\"name\": \"faldone\", \"credentials\": [{\"accessKey\": \"$(cat s3_access_key)\", \"secretKey\": \"$(cat s3_secret_key)\"}], \"actions\": [\"Admin\", \"Read\", \"Write\", \"List\", \"Tagging\"]}]}"
chmod 0444 ./*    # read by the containers' users; the folder keeps other accounts of this machine out
chmod 0700 .
