// Package seams tells whether this binary was linked with the patched parts of
// Weaviate. Each patched package calls [Mark] while it is initialised; the
// server calls [Check] before it does anything else.
//
// Without this check a server built by a plain `go build` would start, accept a
// collection with the plaid block, and serve a different index without a word.
package seams

import (
	"fmt"
	"strings"
	"sync"
)

// All names the Weaviate packages that tools/dev/build patches by adding a file,
// relative to the root of Weaviate's module.
var All = []string{
	"entities/vectorindex/hnsw",
	"usecases/schema",
	"adapters/repos/db",
	"adapters/repos/db/lsmkv",
	"adapters/handlers/rest",
	"adapters/clients",
	"adapters/handlers/rest/clusterapi",
	"usecases/traverser",
}

var marked sync.Map

// Mark records that the patched package of this name is part of the binary. It
// returns a value so that a package-level variable can call it.
func Mark(name string) struct{} {
	marked.Store(name, true)
	return struct{}{}
}

// Check fails when a package of [All] was linked in its unpatched form.
func Check() error {
	var missing []string
	for _, name := range All {
		if _, ok := marked.Load(name); !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this binary was built from unpatched Weaviate sources (%s): build it with `make server`",
		strings.Join(missing, ", "))
}
