package plaid

import "slices"

// Distance is the only distance of a collection with an enabled block: MaxSim
// adds up dot products, and Weaviate reports the negated sum.
const Distance = "dot"

// Config is the parsed block. It holds scalars only, since Weaviate copies the
// settings that contain it by value and compares them with reflect.DeepEqual.
type Config struct {
	// Enabled chooses this project's index. It never changes after creation.
	Enabled bool `json:"enabled"`

	// Precision is what searches give for what time: one of [Precisions], or "" for
	// balanced. It may be changed at any time.
	Precision string `json:"precision,omitempty"`
}

// The precisions of a search.
const (
	Fast     = "fast"
	Balanced = "balanced"
	Exact    = "exact"
)

// Precisions is every precision that a block may ask for.
var Precisions = []string{Fast, Balanced, Exact}

// Parse reads the block out of a vectorIndexConfig. It ignores what it does not
// know or cannot read, see the package comment.
func Parse(vectorIndexConfig map[string]any) Config {
	block, _ := object(vectorIndexConfig, "multivector", "plaid")
	enabled, _ := block["enabled"].(bool)
	precision, _ := block["precision"].(string)
	if !enabled || !slices.Contains(Precisions, precision) {
		precision = ""
	}
	return Config{Enabled: enabled, Precision: precision}
}

// Requested reports whether a vectorIndexConfig asks for this project's index.
func Requested(vectorIndexConfig any) bool { return Of(vectorIndexConfig).Enabled }

// Of is the block of a vectorIndexConfig, which may be what a user sent or what
// Weaviate made of it.
func Of(vectorIndexConfig any) Config {
	switch config := vectorIndexConfig.(type) {
	case map[string]any:
		return Parse(config)
	case interface{ PlaidConfig() Config }: // hnsw.UserConfig of the patched Weaviate
		return config.PlaidConfig()
	default:
		return Config{}
	}
}

// object follows path through nested JSON objects. The second result is false
// where the path ends in something else than an object.
func object(from map[string]any, path ...string) (map[string]any, bool) {
	for _, key := range path {
		next, ok := from[key].(map[string]any)
		if !ok {
			return nil, false
		}
		from = next
	}
	return from, true
}
