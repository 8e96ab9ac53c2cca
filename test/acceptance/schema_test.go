package acceptance

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
)

func TestSchemaReadBack(t *testing.T) {
	n := shared(t)
	n.create(t, pageCollection("ReadBack"))
	stock := with(matrixCollection("ReadBackStock"), func(v *models.VectorConfig) {
		v.VectorIndexConfig = object{"multivector": object{"enabled": true}}
	})
	n.create(t, stock)

	got := n.schema(t, "ReadBack").VectorConfig[pageVector]
	require.Equal(t, "hnsw", got.VectorIndexType)
	require.Equal(t, []any{"page"}, got.Vectorizer[vectorizer].(object)["imageFields"])
	require.Equal(t, "dot", got.VectorIndexConfig["distance"], "MaxSim is a sum of dot products")
	multivector := got.VectorIndexConfig["multivector"].(object)
	require.Equal(t, true, multivector["enabled"])
	require.Equal(t, true, multivector["plaid"].(object)["enabled"])

	// The Python client reads each of these fields without asking whether it is there.
	want := n.schema(t, "ReadBackStock").VectorConfig[ownVector].VectorIndexConfig
	for _, field := range slices.Sorted(maps.Keys(want)) {
		require.Contains(t, got.VectorIndexConfig, field, "a field of stock hnsw is missing")
	}
	for _, field := range slices.Sorted(maps.Keys(want["multivector"].(object))) {
		require.Contains(t, multivector, field, "a field of stock multivector is missing")
	}
	require.NotContains(t, want["multivector"], "plaid", "a stock collection shows our block")

	// The official client must be able to hold what it has read, and to write it back unchanged.
	class, err := n.rest.Schema().ClassGetter().WithClassName("ReadBack").Do(t.Context())
	require.NoError(t, err)
	require.NoError(t, n.rest.Schema().ClassUpdater().WithClass(class).Do(t.Context()))
	require.Equal(t, got, n.schema(t, "ReadBack").VectorConfig[pageVector])
}

func TestSchemaAccepted(t *testing.T) {
	n := shared(t)
	index := func(config object) func(*models.VectorConfig) {
		return func(v *models.VectorConfig) { v.VectorIndexConfig = config }
	}
	tests := []struct {
		name  string
		class *models.Class
		plaid bool // whether the collection has our index
	}{
		{"distance dot", with(pageCollection("Accepted"), func(v *models.VectorConfig) {
			v.VectorIndexConfig.(object)["distance"] = "dot"
		}), true},
		{"multivector.enabled left out", with(pageCollection("Accepted"), index(
			object{"multivector": object{"plaid": object{"enabled": true}}})), true},
		{"skip false", with(pageCollection("Accepted"), func(v *models.VectorConfig) {
			v.VectorIndexConfig.(object)["skip"] = false
		}), true},
		{"the module's short name", collection("Accepted", pageVector, object{
			"colpali": object{"imageFields": []any{"page"}},
		}), true},
		{"vectors of one's own", matrixCollection("Accepted"), true},
		{"plaid off, vectors of one's own", with(matrixCollection("Accepted"), index(
			object{"multivector": object{"enabled": true, "plaid": object{"enabled": false}}})), false},
		{"the module with stock hnsw, asked for by name", with(
			collection("Accepted", pageVector, object{vectorizer: object{"imageFields": []any{"page"}, "index": "hnsw"}}),
			index(object{"multivector": object{"enabled": true}})), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n.create(t, test.class)
			for _, vector := range n.schema(t, "Accepted").VectorConfig {
				multivector := vector.VectorIndexConfig["multivector"].(object)
				require.Equal(t, true, multivector["enabled"])
				if test.plaid {
					require.Equal(t, true, multivector["plaid"].(object)["enabled"])
				} else {
					require.NotContains(t, multivector, "plaid")
				}
			}
		})
	}
}

// TestSchemaRefused: what makes no sense is refused before a collection exists, with a text that
// names the setting.
func TestSchemaRefused(t *testing.T) {
	n := shared(t)
	index := func(change func(config, multivector, block object)) *models.Class {
		return with(pageCollection("Refused"), func(v *models.VectorConfig) {
			config := plaid()
			multivector := config["multivector"].(object)
			change(config, multivector, multivector["plaid"].(object))
			v.VectorIndexConfig = config
		})
	}
	option := func(name string, value any) *models.Class {
		return index(func(config, _, _ object) { config[name] = value })
	}
	indexType := func(name string) *models.Class {
		return with(matrixCollection("Refused"), func(v *models.VectorConfig) { v.VectorIndexType = name })
	}
	module := func(settings object) *models.Class {
		return collection("Refused", pageVector, object{vectorizer: settings})
	}
	tests := []struct {
		name  string
		class *models.Class
		want  []string
	}{
		{"pq", option("pq", object{"enabled": true}), []string{"plaid", "pq"}},
		{"bq", option("bq", object{"enabled": true}), []string{"plaid", "bq"}},
		{"sq", option("sq", object{"enabled": true}), []string{"plaid", "sq"}},
		{"rq", option("rq", object{"enabled": true}), []string{"plaid", "rq"}},
		{"skip", option("skip", true), []string{"plaid", "skip"}},
		{"distance cosine", option("distance", "cosine"), []string{"distance", "dot", "cosine"}},
		{"distance l2-squared", option("distance", "l2-squared"), []string{"distance", "dot", "l2-squared"}},
		{"muvera", index(func(_, multivector, _ object) {
			multivector["muvera"] = object{"enabled": true}
		}), []string{"plaid", "muvera"}},
		{"multivector off", index(func(_, multivector, _ object) {
			multivector["enabled"] = false
		}), []string{"plaid", "multivector.enabled"}},
		{"unknown key", index(func(_, _, block object) { block["nprobes"] = 3 }), []string{"plaid", "nprobes"}},
		{"enabled is a string", index(func(_, _, block object) { block["enabled"] = "yes" }), []string{"plaid", "enabled"}},
		{"recall of everything", index(func(_, _, block object) { block["recall"] = 1 }), []string{"plaid.recall", "0.999", "exact"}},
		{"recall is per cent", index(func(_, _, block object) { block["recall"] = 95 }), []string{"plaid.recall", "0.8", "95"}},
		{"recall is a string", index(func(_, _, block object) { block["recall"] = "0.95" }), []string{"plaid.recall", "number"}},
		{"plaid is not an object", index(func(_, multivector, _ object) {
			multivector["plaid"] = true
		}), []string{"plaid"}},
		{"index type flat", indexType("flat"), []string{"plaid", "hnsw"}},
		{"index type dynamic", indexType("dynamic"), nil}, // refused by Weaviate: needs ASYNC_INDEXING
		{"index type hfresh", indexType("hfresh"), []string{"plaid", "hnsw"}},
		{"vectorizer of single vectors", with(pageCollection("Refused"), func(v *models.VectorConfig) {
			v.Vectorizer = object{"text2vec-openai": object{}}
		}), nil},
		{"module without plaid", with(pageCollection("Refused"), func(v *models.VectorConfig) {
			v.VectorIndexConfig = object{"multivector": object{"enabled": true}}
		}), []string{"plaid", "hnsw"}},
		{"module without index settings", with(pageCollection("Refused"), func(v *models.VectorConfig) {
			v.VectorIndexConfig = nil
		}), []string{"plaid", "hnsw"}},
		{"imageFields missing", module(object{}), []string{"imageFields"}},
		{"imageFields empty", module(object{"imageFields": []any{}}), []string{"imageFields"}},
		{"imageFields names two", module(object{"imageFields": []any{"page", "title"}}), []string{"imageFields", "one"}},
		{"imageFields not a list", module(object{"imageFields": "page"}), []string{"imageFields"}},
		{"imageFields names no property", module(object{"imageFields": []any{"scan"}}), []string{"imageFields", "scan"}},
		{"imageFields names no blob", module(object{"imageFields": []any{"title"}}), []string{"imageFields", "title", "blob"}},
		{"unknown setting of the module", module(object{"imageFields": []any{"page"}, "imageField": "page"}), []string{"imageField"}},
		{"unknown index of the module", module(object{"imageFields": []any{"page"}, "index": "flat"}), []string{"index", "flat"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, text := n.call(t, http.MethodPost, "/schema", test.class)
			if status == http.StatusOK {
				n.call(t, http.MethodDelete, "/schema/Refused", nil)
			}
			require.Equal(t, http.StatusUnprocessableEntity, status, text)
			for _, part := range test.want {
				require.Contains(t, text, part)
			}
		})
	}
	t.Run("an index without a name", func(t *testing.T) {
		status, text := n.call(t, http.MethodPost, "/schema", &models.Class{
			Class: "Refused", Vectorizer: "none", VectorIndexType: "hnsw", VectorIndexConfig: plaid(),
		})
		if status == http.StatusOK {
			n.call(t, http.MethodDelete, "/schema/Refused", nil)
		}
		require.Equal(t, http.StatusUnprocessableEntity, status, text)
	})
}

// TestRecall: it is shown as it was set, and may change.
func TestRecall(t *testing.T) {
	n := shared(t)
	block := func(class *models.Class) object {
		return class.VectorConfig[ownVector].VectorIndexConfig.(object)["multivector"].(object)["plaid"].(object)
	}
	class := matrixCollection("Recall")
	block(class)["recall"] = 0.9
	n.create(t, class)
	shown := func() object {
		return n.schema(t, "Recall").VectorConfig[ownVector].VectorIndexConfig["multivector"].(object)["plaid"].(object)
	}
	require.Equal(t, object{"enabled": true, "recall": 0.9}, shown())

	update := func(change func(block object)) (int, string) {
		var class models.Class
		n.get(t, "/schema/Recall", &class)
		change(block(&class))
		return n.call(t, http.MethodPut, "/schema/Recall", &class)
	}
	status, text := update(func(block object) { block["recall"] = 0.995 })
	require.Equal(t, http.StatusOK, status, text)
	require.Equal(t, object{"enabled": true, "recall": 0.995}, shown())

	status, text = update(func(block object) { block["recall"] = 1 })
	require.Equal(t, http.StatusUnprocessableEntity, status, text)
	require.Contains(t, text, "plaid.recall must be a number from 0.8 to 0.999, got 1")
	require.Equal(t, object{"enabled": true, "recall": 0.995}, shown(), "a refused update changed the collection")

	status, text = update(func(block object) { delete(block, "recall") })
	require.Equal(t, http.StatusOK, status, text)
	require.Equal(t, object{"enabled": true}, shown())
}

// TestSchemaUpdates: what decides how pages are stored cannot change, the rest can.
func TestSchemaUpdates(t *testing.T) {
	n := shared(t)
	n.create(t, pageCollection("Updates"))
	n.create(t, with(matrixCollection("UpdatesStock"), func(v *models.VectorConfig) {
		v.VectorIndexConfig = object{"multivector": object{"enabled": true}, "distance": "dot"}
	}))

	tests := []struct {
		name   string
		class  string
		change func(config, multivector object)
		want   string // part of the refusal; empty: accepted
	}{
		{"nothing", "Updates", func(_, _ object) {}, ""},
		{"a setting that plaid does not use", "Updates", func(config, _ object) { config["ef"] = 99 }, ""},
		{"plaid off", "Updates", func(_, multivector object) {
			multivector["plaid"].(object)["enabled"] = false
		}, "immutable"},
		{"plaid removed", "Updates", func(_, multivector object) { delete(multivector, "plaid") }, "immutable"},
		{"rq", "Updates", func(config, _ object) { config["rq"] = object{"enabled": true} }, "plaid"},
		{"distance", "Updates", func(config, _ object) { config["distance"] = "cosine" }, "distance"},
		{"plaid on in a stock collection", "UpdatesStock", func(_, multivector object) {
			multivector["plaid"] = object{"enabled": true}
		}, "immutable"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := n.schema(t, test.class)
			var class models.Class
			n.get(t, "/schema/"+test.class, &class)
			with(&class, func(v *models.VectorConfig) {
				config := v.VectorIndexConfig.(object)
				test.change(config, config["multivector"].(object))
			})
			status, text := n.call(t, http.MethodPut, "/schema/"+test.class, &class)
			if test.want == "" {
				require.Equal(t, http.StatusOK, status, text)
				return
			}
			require.Equal(t, http.StatusUnprocessableEntity, status, text)
			require.Contains(t, text, test.want)
			require.Equal(t, before, n.schema(t, test.class), "a refused update changed the collection")
		})
	}
}
