package plaid

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &config))
	return config
}

// refusals is every config that Check refuses, and what it says about it.
var refusals = map[string]struct {
	indexType string
	config    string
	message   string
}{
	"unknown key":                {"hnsw", `{"multivector":{"plaid":{"enabled":true,"nProbe":3}}}`, `unknown settings "nProbe"`},
	"unknown keys, sorted":       {"hnsw", `{"multivector":{"plaid":{"b":1,"a":2}}}`, `"a", "b"`},
	"unknown key, disabled":      {"hnsw", `{"multivector":{"plaid":{"enabled":false,"bits":2}}}`, `"bits"`},
	"enabled is a string":        {"hnsw", `{"multivector":{"plaid":{"enabled":"yes"}}}`, "must be true or false, got yes"},
	"enabled is a number":        {"hnsw", `{"multivector":{"plaid":{"enabled":1}}}`, "must be true or false"},
	"unknown precision":          {"hnsw", `{"multivector":{"plaid":{"enabled":true,"precision":"best"}}}`, "precision must be one of fast, balanced, exact, got best"},
	"precision is a number":      {"hnsw", `{"multivector":{"plaid":{"enabled":true,"precision":1}}}`, "got 1"},
	"recall of everything":       {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":1}}}`, `recall must be a number from 0.8 to 0.999, got 1: leave it out for 0.99, and for every result set precision to "exact"`},
	"recall too large":           {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":0.9991}}}`, "got 0.9991"},
	"recall too small":           {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":0.79}}}`, "got 0.79"},
	"recall of nothing":          {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":0}}}`, "recall must be a number"},
	"recall is per cent":         {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":99}}}`, "got 99"},
	"recall is a string":         {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":"0.9"}}}`, "recall must be a number"},
	"recall is null":             {"hnsw", `{"multivector":{"plaid":{"enabled":true,"recall":null}}}`, "recall must be a number"},
	"enabled is missing":         {"hnsw", `{"multivector":{"plaid":{}}}`, "must be true or false"},
	"block is a bool":            {"hnsw", `{"multivector":{"plaid":true}}`, "must be an object"},
	"block is a list":            {"hnsw", `{"multivector":{"plaid":[]}}`, "must be an object"},
	"block at the top":           {"hnsw", `{"plaid":{"enabled":true}}`, "belongs inside multivector"},
	"multivector is off":         {"hnsw", `{"multivector":{"enabled":false,"plaid":{"enabled":true}}}`, "multivector.enabled"},
	"muvera":                     {"hnsw", `{"multivector":{"muvera":{"enabled":true},"plaid":{"enabled":true}}}`, "multivector.muvera"},
	"pq":                         {"hnsw", `{"pq":{"enabled":true},"multivector":{"plaid":{"enabled":true}}}`, "combined with pq"},
	"bq":                         {"hnsw", `{"bq":{"enabled":true},"multivector":{"plaid":{"enabled":true}}}`, "combined with bq"},
	"sq":                         {"hnsw", `{"sq":{"enabled":true},"multivector":{"plaid":{"enabled":true}}}`, "combined with sq"},
	"rq":                         {"hnsw", `{"rq":{"enabled":true},"multivector":{"plaid":{"enabled":true}}}`, "combined with rq"},
	"skip":                       {"hnsw", `{"skip":true,"multivector":{"plaid":{"enabled":true}}}`, "combined with skip"},
	"several at once":            {"hnsw", `{"skip":true,"pq":{"enabled":true},"multivector":{"plaid":{"enabled":true}}}`, "skip, pq"},
	"distance cosine":            {"hnsw", `{"distance":"cosine","multivector":{"plaid":{"enabled":true}}}`, `needs distance "dot"`},
	"distance l2-squared":        {"hnsw", `{"distance":"l2-squared","multivector":{"plaid":{"enabled":true}}}`, `got "l2-squared"`},
	"flat":                       {"flat", `{"multivector":{"plaid":{"enabled":true}}}`, `got "flat"`},
	"hfresh":                     {"hfresh", `{"multivector":{"plaid":{"enabled":true}}}`, `got "hfresh"`},
	"flat, disabled":             {"flat", `{"multivector":{"plaid":{"enabled":false}}}`, `got "flat"`},
	"dynamic":                    {"dynamic", `{"multivector":{"plaid":{"enabled":true}}}`, `got "dynamic"`},
	"inside the hnsw of dynamic": {"dynamic", `{"hnsw":{"multivector":{"plaid":{"enabled":true}}}}`, `inside "dynamic"`},
}

func TestCheckRefuses(t *testing.T) {
	for name, test := range refusals {
		t.Run(name, func(t *testing.T) {
			err := Check(test.indexType, decode(t, test.config))
			require.ErrorIs(t, err, ErrInvalid)
			require.ErrorContains(t, err, test.message)
		})
	}
}

// Whatever Check refuses, and whatever a later version may store, must load.
func TestParseNeverFails(t *testing.T) {
	for name, test := range refusals {
		t.Run(name, func(t *testing.T) {
			require.NotPanics(t, func() { Parse(decode(t, test.config)) })
		})
	}
	require.Equal(t, Config{}, Parse(nil))
}

func TestParseReadsPastWhatItDoesNotKnow(t *testing.T) {
	future := decode(t, `{"multivector":{"enabled":true,"new":1,"plaid":{"enabled":true,"bits":4,"train":{"at":10}}}}`)
	require.Equal(t, Config{Enabled: true}, Parse(future))

	for text, want := range map[string]Config{
		`{"enabled":true,"precision":"exact"}`:  {Enabled: true, Precision: Exact},
		`{"enabled":true,"precision":"newest"}`: {Enabled: true},
		`{"enabled":false,"precision":"exact"}`: {},
		`{"enabled":true,"precision":7}`:        {Enabled: true},
		`{"enabled":true,"recall":0.95}`:        {Enabled: true, Recall: 0.95},
		`{"enabled":true,"recall":1}`:           {Enabled: true},
		`{"enabled":true,"recall":"0.95"}`:      {Enabled: true},
		`{"enabled":false,"recall":0.95}`:       {},
	} {
		require.Equal(t, want, Parse(decode(t, `{"multivector":{"plaid":`+text+`}}`)), text)
	}

	unreadable := decode(t, `{"multivector":{"plaid":{"enabled":"yes"}}}`)
	require.Equal(t, Config{}, Parse(unreadable))
}

func TestAccepted(t *testing.T) {
	for name, test := range map[string]struct {
		indexType string
		config    any
		enabled   bool
	}{
		"nothing":                       {"hnsw", nil, false},
		"an empty config":               {"hnsw", map[string]any{}, false},
		"stock multivector":             {"hnsw", decode(t, `{"multivector":{"enabled":true}}`), false},
		"stock muvera and rq":           {"hnsw", decode(t, `{"rq":{"enabled":true},"multivector":{"muvera":{"enabled":true}}}`), false},
		"stock flat":                    {"flat", decode(t, `{"bq":{"enabled":true}}`), false},
		"stock dynamic":                 {"dynamic", decode(t, `{"hnsw":{"multivector":{"enabled":true}}}`), false},
		"the block alone":               {"hnsw", decode(t, `{"multivector":{"plaid":{"enabled":true}}}`), true},
		"no index type means hnsw":      {"", decode(t, `{"multivector":{"plaid":{"enabled":true}}}`), true},
		"a precision":                   {"hnsw", decode(t, `{"multivector":{"plaid":{"enabled":true,"precision":"fast"}}}`), true},
		"the smallest recall":           {"hnsw", decode(t, `{"multivector":{"plaid":{"enabled":true,"recall":0.8}}}`), true},
		"the largest recall":            {"hnsw", decode(t, `{"multivector":{"plaid":{"enabled":true,"recall":0.999}}}`), true},
		"a recall for later":            {"hnsw", decode(t, `{"multivector":{"plaid":{"enabled":true,"precision":"exact","recall":0.95}}}`), true},
		"the documented form":           {"hnsw", decode(t, `{"multivector":{"enabled":true,"plaid":{"enabled":true}}}`), true},
		"explicit dot":                  {"hnsw", decode(t, `{"distance":"dot","multivector":{"plaid":{"enabled":true}}}`), true},
		"others are there, but off":     {"hnsw", decode(t, `{"skip":false,"pq":{"enabled":false},"rq":{"enabled":false},"multivector":{"muvera":{"enabled":false},"plaid":{"enabled":true}}}`), true},
		"disabled":                      {"hnsw", decode(t, `{"multivector":{"plaid":{"enabled":false}}}`), false},
		"disabled beside muvera and pq": {"hnsw", decode(t, `{"pq":{"enabled":true},"multivector":{"muvera":{"enabled":true},"plaid":{"enabled":false}}}`), false},
		"null":                          {"hnsw", decode(t, `{"multivector":{"plaid":null}}`), false},
		"parsed by Weaviate already":    {"hnsw", struct{ Skip bool }{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, Check(test.indexType, test.config))
			require.Equal(t, test.enabled, Requested(test.config))
		})
	}
}

// userConfig stands for hnsw.UserConfig of the patched Weaviate.
type userConfig struct{ plaid Config }

func (c userConfig) PlaidConfig() Config { return c.plaid }

func TestRequestedReadsParsedConfigsToo(t *testing.T) {
	require.True(t, Requested(userConfig{plaid: Config{Enabled: true}}))
	require.False(t, Requested(userConfig{}))
}

func TestCheckUnnamed(t *testing.T) {
	require.NoError(t, CheckUnnamed(nil))
	require.NoError(t, CheckUnnamed(decode(t, `{"multivector":{"enabled":false}}`)))
	err := CheckUnnamed(decode(t, `{"multivector":{"plaid":{"enabled":true}}}`))
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "vectorConfig")
}

func TestBlockIsEchoedOnlyWhereItIsEnabled(t *testing.T) {
	type multivector struct {
		Plaid Config `json:"plaid,omitzero"` // as the patch declares it
	}
	on, err := json.Marshal(multivector{Plaid: Config{Enabled: true}})
	require.NoError(t, err)
	require.JSONEq(t, `{"plaid":{"enabled":true}}`, string(on))
	all, err := json.Marshal(multivector{Plaid: Config{Enabled: true, Precision: Balanced, Recall: 0.95}})
	require.NoError(t, err)
	require.JSONEq(t, `{"plaid":{"enabled":true,"precision":"balanced","recall":0.95}}`, string(all))
	off, err := json.Marshal(multivector{})
	require.NoError(t, err)
	require.JSONEq(t, `{}`, string(off))
}

// Weaviate reads requests with json.Decoder.UseNumber, and what it stored without.
func TestNumbersAreReadHoweverTheyAreDecoded(t *testing.T) {
	with := func(recall any) map[string]any {
		return map[string]any{"multivector": map[string]any{"plaid": map[string]any{"enabled": true, "recall": recall}}}
	}
	for _, recall := range []any{0.95, json.Number("0.95"), json.Number("95e-2")} {
		require.NoError(t, Check("hnsw", with(recall)))
		require.Equal(t, Config{Enabled: true, Recall: 0.95}, Parse(with(recall)))
	}
	for _, recall := range []any{math.NaN(), math.Inf(1), json.Number("1"), json.Number("1e999"), json.Number("x"), json.Number("")} {
		require.ErrorIs(t, Check("hnsw", with(recall)), ErrInvalid)
		require.Equal(t, Config{Enabled: true}, Parse(with(recall)))
	}
}

// What Check lets through and enables must be read as enabled, and nothing makes
// either of them panic.
func FuzzParseAndCheck(f *testing.F) {
	for _, test := range refusals {
		f.Add(test.indexType, test.config)
	}
	f.Add("hnsw", `{"multivector":{"enabled":true,"plaid":{"enabled":true}}}`)
	f.Add("hnsw", `{"multivector":{"plaid":{"enabled":true,"precision":"fast","recall":0.9}}}`)
	f.Add("", `{"multivector":{"plaid":null}}`)
	f.Fuzz(func(t *testing.T, indexType, text string) {
		var config map[string]any
		if json.Unmarshal([]byte(text), &config) != nil {
			return
		}
		parsed := Parse(config)
		if Check(indexType, config) != nil || !present(config) {
			return
		}
		block, ok := object(config, "multivector", "plaid")
		require.True(t, ok)
		require.Equal(t, block["enabled"], parsed.Enabled)
		if recall, set := block["recall"]; set && parsed.Enabled {
			require.InDelta(t, recall, parsed.Recall, 0)
		}
	})
}
