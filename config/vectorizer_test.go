package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseVectorizer(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  map[string]any
		want Vectorizer
	}{
		{"default index", map[string]any{"imageFields": []any{"page"}}, of(IndexPlaid, 1, false)},
		{"list of a Go caller", map[string]any{"imageFields": []string{"page"}}, of(IndexPlaid, 1, false)},
		{"hnsw", map[string]any{"imageFields": []any{"page"}, "index": "hnsw"}, of(IndexHNSW, 1, false)},
		{"key of another version", map[string]any{"imageFields": []any{"page"}, "future": 3}, of(IndexPlaid, 1, false)},
		{"pooled", map[string]any{"imageFields": []any{"page"}, "poolFactor": 3.0}, of(IndexPlaid, 3, false)},
		{"pooled by a Go caller", map[string]any{"imageFields": []any{"page"}, "poolFactor": 1024}, of(IndexPlaid, 1024, false)},
		{"pooled, exact JSON", map[string]any{"imageFields": []any{"page"}, "poolFactor": json.Number("2")}, of(IndexPlaid, 2, false)},
		{"patches only", map[string]any{"imageFields": []any{"page"}, "dropNonImage": true}, of(IndexPlaid, 1, true)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseVectorizer(c.raw)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func of(index string, factor int, drop bool) Vectorizer {
	return Vectorizer{ImageField: "page", Index: index, PoolFactor: factor, DropNonImage: drop}
}

// A schema that was written with the defaults says what one without them means.
func TestVectorizerDefaults(t *testing.T) {
	raw := VectorizerDefaults()
	for _, s := range VectorizerSettings() {
		if s.Default != "" {
			require.Equal(t, s.Default, fmt.Sprint(raw[s.Name]), s.Name)
		}
	}
	raw["imageFields"] = []any{"page"}
	require.NoError(t, ValidateVectorizer(raw))
	written, err := ParseVectorizer(raw)
	require.NoError(t, err)
	bare, err := ParseVectorizer(map[string]any{"imageFields": []any{"page"}})
	require.NoError(t, err)
	require.Equal(t, bare, written)
}

func TestModelOfACollection(t *testing.T) {
	raw := OfModel(strings.Repeat("0a", 32), "colpali-v1.3")
	raw["imageFields"] = []any{"page"}
	require.NoError(t, ValidateVectorizer(raw))
	got, err := ParseVectorizer(raw)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("0a", 32), got.Manifest)
	require.Equal(t, "colpali-v1.3", got.ModelName)
}

func TestParseVectorizerRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  map[string]any
		want string
	}{
		{"nothing", nil, "imageFields is missing; it must be a list with the name of exactly one blob property"},
		{"no list", map[string]any{"imageFields": "page"}, `imageFields is "page"`},
		{"empty list", map[string]any{"imageFields": []any{}}, "exactly one blob property"},
		{"empty name", map[string]any{"imageFields": []any{""}}, "exactly one blob property"},
		{"empty name of a Go caller", map[string]any{"imageFields": []string{""}}, "exactly one blob property"},
		{"two fields", map[string]any{"imageFields": []any{"front", "back"}}, "imageFields is [front back]"},
		{"not a string", map[string]any{"imageFields": []any{1}}, "imageFields is [1]"},
		{"unknown index", map[string]any{"imageFields": []any{"page"}, "index": "flat"}, `index is "flat"; it must be one of plaid, hnsw`},
		{"index not a string", map[string]any{"imageFields": []any{"page"}, "index": true}, "index is true"},
		{"factor below its bound", map[string]any{"imageFields": []any{"page"}, "poolFactor": 0.0}, "poolFactor is 0; it must be a whole number from 1 to 1024"},
		{"factor above its bound", map[string]any{"imageFields": []any{"page"}, "poolFactor": 1025}, "poolFactor is 1025"},
		{"factor not whole", map[string]any{"imageFields": []any{"page"}, "poolFactor": 2.5}, "poolFactor is 2.5"},
		{"factor not a number", map[string]any{"imageFields": []any{"page"}, "poolFactor": "3"}, `poolFactor is "3"`},
		{"factor of a word", map[string]any{"imageFields": []any{"page"}, "poolFactor": json.Number("three")}, "poolFactor is three"},
		{"factor null", map[string]any{"imageFields": []any{"page"}, "poolFactor": nil}, "poolFactor is missing"},
		{"not a boolean", map[string]any{"imageFields": []any{"page"}, "dropNonImage": "yes"}, `dropNonImage is "yes"; it must be one of true, false`},
		{"manifest too short", map[string]any{"imageFields": []any{"page"}, "manifest": "abc"}, `manifest is "abc"; it must be 64 hexadecimal digits`},
		{"manifest not a text", map[string]any{"imageFields": []any{"page"}, "manifest": 1}, "manifest is 1"},
		{"name not a text", map[string]any{"imageFields": []any{"page"}, "modelName": 1}, "modelName is 1; it must be a text"},
		{"index null", map[string]any{"imageFields": []any{"page"}, "index": nil}, "index is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseVectorizer(c.raw)
			require.ErrorContains(t, err, c.want)
			require.EqualError(t, ValidateVectorizer(c.raw), err.Error())
		})
	}
}

func TestValidateVectorizerKeys(t *testing.T) {
	with := func(key string, value any) map[string]any {
		return map[string]any{"imageFields": []any{"page"}, key: value}
	}
	require.NoError(t, ValidateVectorizer(with("index", "plaid")))
	for key, want := range map[string]string{
		"imageField":   `unknown setting "imageField"; the settings are imageFields, index, poolFactor, dropNonImage`,
		"poolfactor":   `unknown setting "poolfactor"`,
		"textFields":   "hybrid search",
		"weights":      "nothing can be weighted",
		"properties":   "imageFields",
		"model":        "COLPALI_MODEL_DIR",
		"device":       "COLPALI_DEVICE",
		"baseURL":      "no address from a schema reaches the network",
		"inferenceUrl": "no address from a schema reaches the network",
	} {
		t.Run(key, func(t *testing.T) {
			require.ErrorContains(t, ValidateVectorizer(with(key, "x")), want)
		})
	}
}

func FuzzVectorizer(f *testing.F) {
	for _, seed := range []string{
		`{"imageFields":["page"]}`, `{"imageFields":["page"],"index":"hnsw"}`, `{"imageFields":[["page"]]}`,
		`{"imageFields":{"0":"page"}}`, `{"imageFields":["page"],"poolFactor":1e400}`, `{"imageFields":["page"],"poolFactor":3,"dropNonImage":true}`, `{"index":null}`, `{"":""}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var raw map[string]any
		if json.Unmarshal(text, &raw) != nil {
			return
		}
		parsed, err := ParseVectorizer(raw)
		if err == nil {
			require.NotEmpty(t, parsed.ImageField)
			require.Contains(t, []string{IndexPlaid, IndexHNSW}, parsed.Index)
			require.Positive(t, parsed.PoolFactor)
			require.LessOrEqual(t, parsed.PoolFactor, MaxPoolFactor)
		}
		// Whatever may be created must be readable for ever.
		if ValidateVectorizer(raw) == nil {
			require.NoError(t, err)
		}
	})
}
