package plaid

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalid is in the chain of every error of [Check] and [CheckUnnamed].
var ErrInvalid = errors.New("invalid plaid config")

// Check refuses a vectorIndexConfig whose plaid block has an unknown key or a
// value of a wrong type, stands in the wrong place, or contradicts what stands
// beside it. indexType is the vectorIndexType of the same named vector.
//
// A config without such a block is none of this package's business and passes,
// and so does one that Weaviate has parsed already.
func Check(indexType string, vectorIndexConfig any) error {
	config, ok := vectorIndexConfig.(map[string]any)
	if !ok {
		return nil
	}
	if err := checkPlace(indexType, config); err != nil {
		return err
	}
	enabled, err := checkBlock(config)
	if err != nil || !enabled {
		return err
	}
	return checkNeighbours(config)
}

// CheckUnnamed refuses a plaid block in the vectorIndexConfig of a collection
// itself, since Weaviate has multi-vectors in named vectors only.
func CheckUnnamed(vectorIndexConfig any) error {
	if !Requested(vectorIndexConfig) {
		return nil
	}
	return fmt.Errorf("%w: multivector.plaid works in named vectors only: move it from the collection's "+
		"vectorIndexConfig to vectorConfig.<name>.vectorIndexConfig", ErrInvalid)
}

// checkPlace catches a block that stock Weaviate would silently ignore.
func checkPlace(indexType string, config map[string]any) error {
	if config["plaid"] != nil {
		return fmt.Errorf("%w: plaid belongs inside multivector: "+
			`{"multivector": {"enabled": true, "plaid": {"enabled": true}}}`, ErrInvalid)
	}
	if present(config) && indexType != "" && indexType != "hnsw" {
		return fmt.Errorf("%w: multivector.plaid needs vectorIndexType \"hnsw\", got %q", ErrInvalid, indexType)
	}
	// The dynamic index type nests a whole hnsw config.
	if nested, ok := object(config, "hnsw"); ok && present(nested) {
		return fmt.Errorf("%w: multivector.plaid needs vectorIndexType \"hnsw\" and does not work inside %q",
			ErrInvalid, indexType)
	}
	return nil
}

func present(config map[string]any) bool {
	multivector, _ := object(config, "multivector")
	return multivector["plaid"] != nil
}

// settings is every key of the block.
var settings = []string{"enabled", "precision", "recall"}

// checkBlock checks the keys and types of the block itself and reports whether
// it is enabled.
func checkBlock(config map[string]any) (bool, error) {
	if !present(config) {
		return false, nil
	}
	block, ok := object(config, "multivector", "plaid")
	if !ok {
		return false, fmt.Errorf(`%w: multivector.plaid must be an object such as {"enabled": true}`, ErrInvalid)
	}

	var unknown []string
	for key := range block {
		if !slices.Contains(settings, key) {
			unknown = append(unknown, fmt.Sprintf("%q", key))
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return false, fmt.Errorf("%w: multivector.plaid has unknown settings %s, known are %q",
			ErrInvalid, strings.Join(unknown, ", "), settings)
	}

	enabled, ok := block["enabled"].(bool)
	if !ok {
		return false, fmt.Errorf("%w: multivector.plaid.enabled must be true or false, got %v", ErrInvalid, block["enabled"])
	}
	if precision, set := block["precision"]; set {
		if text, ok := precision.(string); !ok || !slices.Contains(Precisions, text) {
			return false, fmt.Errorf("%w: multivector.plaid.precision must be one of %s, got %v",
				ErrInvalid, strings.Join(Precisions, ", "), precision)
		}
	}
	if recall, set := block["recall"]; set {
		if _, ok := asRecall(recall); !ok {
			return false, fmt.Errorf("%w: multivector.plaid.recall must be a number from %v to %v, got %v: leave it out for %v, "+
				"and for every result set precision to %q", ErrInvalid, MinRecall, MaxRecall, recall, DefaultRecall, Exact)
		}
	}
	return enabled, nil
}

// checkNeighbours refuses the settings that an enabled block contradicts. They
// all steer the graph or the compression that the block replaces.
func checkNeighbours(config map[string]any) error {
	multivector, _ := object(config, "multivector")
	if enabled, ok := multivector["enabled"].(bool); ok && !enabled {
		return fmt.Errorf("%w: multivector.plaid needs multivector.enabled to be true", ErrInvalid)
	}
	if distance, ok := config["distance"].(string); ok && distance != "" && distance != Distance {
		return fmt.Errorf("%w: multivector.plaid needs distance %q, since MaxSim adds up dot products, got %q: "+
			"leave distance out", ErrInvalid, Distance, distance)
	}

	var contradictions []string
	if skip, _ := config["skip"].(bool); skip {
		contradictions = append(contradictions, "skip")
	}
	for _, path := range [][]string{{"multivector", "muvera"}, {"pq"}, {"bq"}, {"sq"}, {"rq"}} {
		option, _ := object(config, path...)
		if enabled, _ := option["enabled"].(bool); enabled {
			contradictions = append(contradictions, strings.Join(path, "."))
		}
	}
	if len(contradictions) > 0 {
		return fmt.Errorf("%w: multivector.plaid cannot be combined with %s: leave one of them out",
			ErrInvalid, strings.Join(contradictions, ", "))
	}
	return nil
}
