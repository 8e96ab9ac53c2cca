package config

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseVectorizer(t *testing.T) {
	for _, c := range []struct {
		name string
		raw  map[string]any
		want Vectorizer
	}{
		{"default index", map[string]any{"imageFields": []any{"page"}}, Vectorizer{"page", IndexPlaid}},
		{"list of a Go caller", map[string]any{"imageFields": []string{"page"}}, Vectorizer{"page", IndexPlaid}},
		{"hnsw", map[string]any{"imageFields": []any{"page"}, "index": "hnsw"}, Vectorizer{"page", IndexHNSW}},
		{"key of another version", map[string]any{"imageFields": []any{"page"}, "poolFactor": 3}, Vectorizer{"page", IndexPlaid}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseVectorizer(c.raw)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
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
		"imageField":   `unknown setting "imageField"; the settings are imageFields, index`,
		"poolFactor":   `unknown setting "poolFactor"`,
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
		`{"imageFields":{"0":"page"}}`, `{"index":null}`, `{"":""}`, `null`,
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
		}
		// Whatever may be created must be readable for ever.
		if ValidateVectorizer(raw) == nil {
			require.NoError(t, err)
		}
	})
}
