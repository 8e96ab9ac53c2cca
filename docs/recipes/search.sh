#!/usr/bin/env bash
# Pages found by question, by question and filter, by question and words; and where a page matched.
# Needs curl and jq.
#
# WEAVIATE_HTTP and WEAVIATE_API_KEY say which server (default: `make serve`). It can be run again: the same pages keep
# their ids. The exit status is 1 when a page is not found.
set -euo pipefail

collection=CurlPage
pages=$(dirname "$0")/../../tools/dev/demo/pages
server=http://${WEAVIATE_HTTP:-localhost:8080}/v1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/response"

fail() { echo "$*" >&2; exit 1; }

# request METHOD PATH [BODY-FILE] prints the answer, a refusal to standard error.
request() {
  local key=()
  [[ -z ${WEAVIATE_API_KEY:-} ]] || key=(--header "Authorization: Bearer $WEAVIATE_API_KEY")
  curl --silent --show-error --fail-with-body --request "$1" --header 'Content-Type: application/json' \
    "${key[@]}" ${3:+--data-binary "@$3"} --output "$work/response" "$server/$2" ||
    { cat "$work/response" >&2; return 1; }
  cat "$work/response"
}

# graphql QUERY prints the field `data`; errors come with status 200.
graphql() {
  jq --null-input --arg query "$1" '{query: $query}' > "$work/query"
  request POST graphql "$work/query" > "$work/answer"
  ! jq --exit-status --raw-output '.errors[0].message // empty' "$work/answer" >&2 || exit 1
  jq .data "$work/answer"
}

# expect WHAT SEARCH FIRST prints the files of an answer; ends the program unless FIRST is the first.
expect() {
  local files
  files=$(graphql "{ Get { $collection($2, limit: 3) { file } } }" |
    jq --raw-output "[.Get.$collection[].file] | join(\", \")")
  echo "$1: $files"
  [[ $files == "$3"* ]] || fail "$1: expected $3 first"
}

if ! request GET "schema/$collection" > /dev/null 2>&1; then
  cat > "$work/class" <<JSON
  {
    "class": "$collection",
    "properties": [
      {"name": "file", "dataType": ["text"], "tokenization": "field"},
      {"name": "title", "dataType": ["text"]},
      {"name": "licence", "dataType": ["text"], "tokenization": "field"},
      {"name": "text", "dataType": ["text"]},
      {"name": "page", "dataType": ["blob"]}
    ],
    "vectorConfig": {"colpali": {
      "vectorizer": {"multi2multivec-colpali": {"imageFields": ["page"]}},
      "vectorIndexType": "hnsw",
      "vectorIndexConfig": {"multivector": {"enabled": true, "plaid": {"enabled": true}}}
    }}
  }
JSON
  request POST schema "$work/class" > /dev/null
fi

# An id is any UUID, here one of the file's name; an image is base64.
jq --raw-output '.[].file' "$pages/pages.json" | while read -r file; do
  hash=$(printf %s "$file" | sha256sum)
  printf '{"id": "%s", "page": "%s"}\n' "${hash:0:8}-${hash:8:4}-5${hash:13:3}-8${hash:17:3}-${hash:20:12}" \
    "$(base64 "$pages/$file" | tr -d '\n')"
done > "$work/images"
# pages.json has the words of each page, as a PDF's text layer would.
jq --arg class $collection --slurpfile images "$work/images" '{objects: [[., $images] | transpose[]
  | {class: $class, id: .[1].id, properties: (.[0] | {file, title, licence, text: ([.words[].text] | join(" "))})}
  * {properties: {page: .[1].page}}]}' "$pages/pages.json" > "$work/objects"
request POST batch/objects "$work/objects" > "$work/imported"
! jq --exit-status --raw-output 'map(.result.errors.error[0].message // empty)[0] // empty' "$work/imported" >&2 ||
  exit 1
echo "$(jq length "$work/imported") pages are in $collection"

expect nearText 'nearText: {concepts: ["operating profit"]}' income-statement.png
expect filter 'nearText: {concepts: ["character set"]},
  where: {path: ["licence"], operator: Equal, valueText: "PostgreSQL"}' document-11.png
expect hybrid 'hybrid: {query: "sweet batter", properties: ["text"]}' pancakes.png

# The best page with the map of its similarity to the question painted over it.
graphql "{ Get { $collection(nearText: {concepts: [\"operating profit\"]}, limit: 1) { file _additional {
  colpali(format: PNG) { map { width height values } image reason } } } } }" | jq ".Get.$collection[0]" > "$work/hit"
jq --exit-status '._additional.colpali.image' "$work/hit" > /dev/null ||
  fail "heatmap: no picture: $(jq --raw-output '._additional.colpali.reason' "$work/hit")"
jq --raw-output '._additional.colpali.image' "$work/hit" | base64 --decode > heatmap-curl.png
jq --raw-output '.file as $file | ._additional.colpali.map | .width as $width
  | (.values | index(max)) as $best
  | "heatmap: \($file) is warmest at column \($best % $width) and row \($best / $width | floor) of "
  + "\($width) x \(.height) patches; the picture is in heatmap-curl.png"' "$work/hit"
