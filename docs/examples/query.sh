#!/bin/sh
# Ask the graph as one of the sandbox's citizens.
#
#   sh docs/examples/query.sh 4 docs/examples/cards.graphql
#
# API says where the API is, TANGRAT where the command is, READ_IN the language (th or en).
set -eu
api=${API:-http://127.0.0.1:8000}
token=$("${TANGRAT:-.venv/bin/tangrat}" token --sandbox-citizen "$1" | tail -n 1)
curl --silent --show-error --get "$api/graphql" \
  --header "Authorization: Bearer $token" --header "Accept-Language: ${READ_IN:-th}" \
  --data-urlencode "query@$2"
echo
