//go:build patched

// This test is about the patched Weaviate and runs with its mod file only:
//
//	go test -tags patched -modfile=build/server.mod ./module/seams
package seams_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	hnswindex "github.com/weaviate/weaviate/adapters/repos/db/vector/hnsw"
	"github.com/weaviate/weaviate/entities/vectorindex"
	"github.com/weaviate/weaviate/entities/vectorindex/hnsw"

	"weaviate-colpali/config/plaid"
)

// parse is what happens whenever a stored class is loaded, as from the RAFT log.
func parse(t *testing.T, indexType, config string) (any, error) {
	t.Helper()
	var raw map[string]any
	require.NoError(t, json.Unmarshal([]byte(config), &raw))
	return vectorindex.ParseAndValidateConfig(raw, indexType, true)
}

func TestAStoredClassLoadsWhateverItsBlockSays(t *testing.T) {
	for name, test := range map[string]struct {
		indexType, config string
		enabled           bool
	}{
		"the block":              {"hnsw", `{"multivector":{"enabled":true,"plaid":{"enabled":true}}}`, true},
		"a later version's keys": {"hnsw", `{"multivector":{"enabled":true,"plaid":{"enabled":true,"bits":4,"x":{"y":[]}}}}`, true},
		"off":                    {"hnsw", `{"multivector":{"enabled":true,"plaid":{"enabled":false}}}`, false},
		"of a wrong type":        {"hnsw", `{"multivector":{"enabled":true,"plaid":{"enabled":"yes"}}}`, false},
		"no object":              {"hnsw", `{"multivector":{"enabled":true,"plaid":true}}`, false},
		"contradicted by pq":     {"hnsw", `{"pq":{"enabled":true},"multivector":{"plaid":{"enabled":true}}}`, true},
		"contradicted by muvera": {"hnsw", `{"multivector":{"muvera":{"enabled":true},"plaid":{"enabled":true}}}`, true},
		"contradicted by skip":   {"hnsw", `{"skip":true,"multivector":{"plaid":{"enabled":true}}}`, true},
		"another distance":       {"hnsw", `{"distance":"cosine","multivector":{"plaid":{"enabled":true}}}`, true},
		"another index type":     {"flat", `{"multivector":{"plaid":{"enabled":true}}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, err := parse(t, test.indexType, test.config)
			require.NoError(t, err)
			require.Equal(t, test.enabled, plaid.Requested(parsed))
		})
	}
}

func TestAnEnabledBlockImpliesMultiVectorsAndDot(t *testing.T) {
	parsed, err := parse(t, "hnsw", `{"multivector":{"plaid":{"enabled":true}}}`)
	require.NoError(t, err)
	config := parsed.(hnsw.UserConfig)
	require.True(t, config.IsMultiVector())
	require.Equal(t, plaid.Distance, config.DistanceName())
}

// fields is every path through nested objects.
func fields(prefix string, object map[string]any) []string {
	var paths []string
	for key, value := range object {
		paths = append(paths, prefix+key)
		if nested, ok := value.(map[string]any); ok {
			paths = append(paths, fields(prefix+key+".", nested)...)
		}
	}
	return paths
}

func echo(t *testing.T, config string) []string {
	t.Helper()
	parsed, err := parse(t, "hnsw", config)
	require.NoError(t, err)
	text, err := json.Marshal(parsed)
	require.NoError(t, err)
	var object map[string]any
	require.NoError(t, json.Unmarshal(text, &object))
	return fields("", object)
}

func TestTheEchoIsTheStockOnePlusTheBlock(t *testing.T) {
	stock := echo(t, `{"multivector":{"enabled":true}}`)
	require.NotContains(t, stock, "multivector.plaid")
	require.ElementsMatch(t, append(stock, "multivector.plaid", "multivector.plaid.enabled"),
		echo(t, `{"multivector":{"enabled":true,"plaid":{"enabled":true}}}`))
}

func TestTheServersDefaultQuantizationLeavesTheBlockAlone(t *testing.T) {
	for _, compression := range []string{"pq", "sq", "bq", "rq-1", "rq-4", "rq-8"} {
		parsed, err := parse(t, "hnsw", `{"multivector":{"plaid":{"enabled":true}}}`)
		require.NoError(t, err)
		before := parsed.(hnsw.UserConfig)
		after, err := hnsw.ParseDefaultQuantization(before, compression)
		require.NoError(t, err)
		require.Equal(t, before, after, compression)
	}
}

func TestTheIndexOfAClassCannotBeExchanged(t *testing.T) {
	parseHNSW := func(config string) hnsw.UserConfig {
		parsed, err := parse(t, "hnsw", config)
		require.NoError(t, err)
		return parsed.(hnsw.UserConfig)
	}
	on := parseHNSW(`{"multivector":{"enabled":true,"plaid":{"enabled":true}}}`)
	off := parseHNSW(`{"distance":"dot","multivector":{"enabled":true}}`)
	other := on
	other.EF = 77
	require.NoError(t, hnswindex.ValidateUserConfigUpdate(on, on))
	require.NoError(t, hnswindex.ValidateUserConfigUpdate(on, other), "a setting of the graph may change, without effect")
	require.ErrorContains(t, hnswindex.ValidateUserConfigUpdate(on, off), "multivector.plaid.enabled is immutable")
	require.ErrorContains(t, hnswindex.ValidateUserConfigUpdate(off, on), "multivector.plaid.enabled is immutable")
}
