// Command docs writes docs/configuration.md out of the tables in config/, so that the page and the
// code cannot differ. `make generate` runs it; a test fails while the page is stale.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"text/template"

	"weaviate-colpali/config"
	"weaviate-colpali/config/plaid"
)

func main() {
	out := flag.String("o", "docs/configuration.md", "page to write")
	flag.Parse()
	page, err := render()
	if err == nil {
		err = os.WriteFile(*out, []byte(page), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

const pageTemplate = `# Configuration

<!-- Written by tools/dev/docs from the tables in config/: change those and run "make generate". -->

## Server: environment variables

What the operator decides. A schema cannot change any of it.

{{template "table" .Runtime}}
Weaviate's own variables apply as in Weaviate. Set GOMEMLIMIT: its memory checks do nothing without.

## Collection: settings of the vectorizer

The keys under "multi2multivec-colpali" (or its other name, "colpali") in a named vector's "vectorizer".

{{template "table" .Vectorizer}}
## Collection: the index

The block "multivector.plaid" in "vectorIndexConfig", with "vectorIndexType": "hnsw":

    "vectorIndexConfig": {"multivector": {"enabled": true, "plaid": {"enabled": true}}}

"precision" says what searches give for what time, and may be changed at any time: "exact" answers as brute
force does; "balanced", the default, looks closely at the pages whose centroids are most promising, as many as
the index found that it takes for nearly all results; "fast" at a hundred. Collections of less than 2,000 pages, and
filters that leave 500 or fewer, are answered exactly anyway.

"recall", a number from {{.MinRecall}} to {{.MaxRecall}}, is the share of the results of "exact" that balanced searches
aim at, {{.DefaultRecall}} if it is left out. It may be changed at any time, too, and the other precisions take no notice
of it. What it takes the index can only estimate: compare with "exact" on your own pages.

One query asks for another precision by the header "X-Colpali-Precision" with one of these words: in HTTP for
GraphQL, as metadata "x-colpali-precision" in gRPC, in both through the "headers" of Weaviate's clients, on one
node and in a cluster. Another word is refused. Weaviate's query profile ("queryProfile" in GraphQL, "query_profile" in
gRPC) says what each shard did: "plaid_precision" which one it was, "plaid_certified" whether the answer is that of
brute force. For requests from browsers add the header to CORS_ALLOW_HEADERS.

While a shard is READONLY, because the disk fills up or somebody set it, the index answers and writes no files.

"enabled" cannot be switched on or off on an existing collection, and it excludes muvera, pq, bq, sq, rq and
skip. The distance is "dot": the negative of the MaxSim score, so smaller is better.

Vectors of a client's own are refused, and nothing of their object is written, when they are ragged, have
a number that is not finite, or have other dimensions than the collection's first ones. An empty list is
refused over gRPC; over REST Weaviate takes it for an object without that vector.
{{define "table"}}| name | default | accepted | what it does |
|---|---|---|---|
{{range .}}| ` + "`{{.Name}}`" + ` | {{with .Default}}` + "`{{.}}`" + `{{else}}unset{{end}} | {{.Bound}} | {{.Doc}} |
{{end}}{{end}}`

func render() (string, error) {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, map[string]any{
		"Runtime":       config.RuntimeSettings(),
		"Vectorizer":    config.VectorizerSettings(),
		"MinRecall":     plaid.MinRecall,
		"MaxRecall":     plaid.MaxRecall,
		"DefaultRecall": plaid.DefaultRecall,
	})
	return b.String(), err
}
