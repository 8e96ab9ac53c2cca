//go:build patched

package plaid

import "github.com/weaviate/weaviate/adapters/repos/db/lsmkv"

// Views of the patched Weaviate are what objectStore looks for: were they not, the server
// would copy objects without a word.
var _ inPlace = lsmkv.BucketConsistentView{}
