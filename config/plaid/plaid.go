package plaid

import (
	"encoding/json"
	"slices"
)

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

	// Recall is the share of brute force's results that balanced searches aim at, from
	// [MinRecall] to [MaxRecall], or 0 for [DefaultRecall]. It may be changed at any time.
	Recall float64 `json:"recall,omitempty"`
}

// The precisions of a search.
const (
	Fast     = "fast"
	Balanced = "balanced"
	Exact    = "exact"
)

// Precisions is every precision that a block may ask for.
var Precisions = []string{Fast, Balanced, Exact}

// The recalls that a block may ask for. Of 4,000 made-up pages a search for 0.8 scored
// 40, one for 0.5 still 36: less saves nothing. One for 0.999 scored 217, in 4.4 ms; a
// search for more may look at all pages, which takes as long as an exact one, 120 ms.
const (
	MinRecall     = 0.8
	DefaultRecall = 0.99 // that of package multivector, as a test of module/plaid knows
	MaxRecall     = 0.999
)

// Parse reads the block out of a vectorIndexConfig. It ignores what it does not
// know or cannot read, see the package comment.
func Parse(vectorIndexConfig map[string]any) Config {
	block, _ := object(vectorIndexConfig, "multivector", "plaid")
	enabled, _ := block["enabled"].(bool)
	precision, _ := block["precision"].(string)
	if !enabled || !slices.Contains(Precisions, precision) {
		precision = ""
	}
	recall, ok := asRecall(block["recall"])
	if !enabled || !ok {
		recall = 0
	}
	return Config{Enabled: enabled, Precision: precision, Recall: recall}
}

// asRecall reads a recall, which is a json.Number where Weaviate has it from a request.
// The second result is false where it is no number or out of bounds.
func asRecall(value any) (float64, bool) {
	var recall float64
	switch value := value.(type) {
	case float64:
		recall = value
	case json.Number:
		recall, _ = value.Float64() // what is no number is 0
	}
	return recall, MinRecall <= recall && recall <= MaxRecall
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
