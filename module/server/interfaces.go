package main

import (
	"github.com/weaviate/weaviate/adapters/repos/db"

	"weaviate-colpali/module/plaid"
)

// The index is what shards want. Asserted here and not in a test of package
// plaid, since nothing but a server needs all of Weaviate's package db compiled.
var (
	_ db.VectorIndex      = (*plaid.Index)(nil)
	_ db.VectorIndexMulti = (*plaid.Index)(nil)
)
