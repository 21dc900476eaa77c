#!/bin/sh
# Put secrets that lie in files into the environment, then run the command: NAME_FILE=/run/secrets/… stands for NAME.
# Faldone's own settings (FALDONE_…_FILE) are read by Faldone itself.
set -eu
for name in PREFECT_API_AUTH_STRING PREFECT_SERVER_API_AUTH_STRING PREFECT_SERVER_DATABASE_CONNECTION_URL \
  PREFECT_REDIS_MESSAGING_URL PREFECT_REDIS_MESSAGING_PASSWORD PREFECT_SERVER_DOCKET_URL \
  AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN FALDONE_DAEMON_TOKEN; do
  eval "file=\${${name}_FILE:-}"
  [ -n "$file" ] || continue
  [ -r "$file" ] || { echo "faldone: ${name}_FILE: $file cannot be read" >&2; exit 2; }
  value=$(cat "$file")
  export "$name=$value"
  unset "${name}_FILE"
done
exec "$@"
