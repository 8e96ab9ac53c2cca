package module

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/go-openapi/strfmt"
	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/additional"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"github.com/weaviate/weaviate/entities/search"
	"github.com/weaviate/weaviate/entities/vectorindex/hnsw"
	weaviateconfig "github.com/weaviate/weaviate/usecases/config"
	"github.com/weaviate/weaviate/usecases/config/runtime"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"
	"github.com/weaviate/weaviate/usecases/modules"
	"github.com/weaviate/weaviate/usecases/objects"

	"weaviate-colpali/vectorizer"
)

// These tests drive the module through Weaviate's own module provider, which
// decides under which name settings are found, what is validated and which
// objects of a batch are skipped.

const vectorName = "colpali"

// host is a module provider with nothing but our module in it.
func host(t *testing.T, fake *fakeEmbedder) *modules.Provider {
	t.Helper()
	m, _ := started(t, fake)
	logger, _ := logrustest.NewNullLogger()
	provider := modules.NewProvider(logger, weaviateconfig.Config{
		RevectorizeCheckDisabled: runtime.NewDynamicValue(false),
	})
	provider.Register(m)
	return provider
}

// object is shorthand for a JSON object.
type object = map[string]any

var plaidEnabled = object{"multivector": object{"plaid": object{"enabled": true}}}

// pageClass is a collection as a user posts it.
func pageClass(moduleName string, settings object, index any) *models.Class {
	return &models.Class{
		Class: "Page",
		Properties: []*models.Property{
			{Name: "title", DataType: []string{"text"}},
			{Name: "page", DataType: []string{"blob"}},
			{Name: "hash", DataType: []string{"blobHash"}},
		},
		VectorConfig: map[string]models.VectorConfig{vectorName: {
			Vectorizer:        object{moduleName: settings},
			VectorIndexType:   "hnsw",
			VectorIndexConfig: index,
		}},
	}
}

func create(t *testing.T, class *models.Class) error {
	t.Helper()
	provider := host(t, &fakeEmbedder{})
	provider.SetClassDefaults(class)
	return provider.ValidateClass(t.Context(), class)
}

func TestCreateCollection(t *testing.T) {
	pages := object{"imageFields": []any{"page"}}
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			class := pageClass(name, pages, plaidEnabled)
			require.NoError(t, create(t, class))
			require.Equal(t, object{"imageFields": []any{"page"}, "index": "plaid", "poolFactor": 1, "dropNonImage": false, "manifest": fakeManifest, "modelName": "fake"},
				class.VectorConfig[vectorName].Vectorizer.(object)[name], "the schema read back states the index")
		})
	}
	t.Run("plain hnsw on request", func(t *testing.T) {
		require.NoError(t, create(t, pageClass(Name, object{"imageFields": []any{"page"}, "index": "hnsw"}, nil)))
	})
	t.Run("property settings of a client", func(t *testing.T) {
		class := pageClass(Name, pages, plaidEnabled)
		class.Properties[1].ModuleConfig = object{Name: object{"skip": false, "vectorizePropertyName": true}}
		require.NoError(t, create(t, class))
	})
}

func TestCreateCollectionRefuses(t *testing.T) {
	pages := object{"imageFields": []any{"page"}}
	for _, c := range []struct {
		name     string
		settings object
		index    any
		want     string
	}{
		{"no settings", object{}, plaidEnabled, "imageFields is missing"},
		{"unknown setting", object{"imageFields": []any{"page"}, "poolFactors": 3}, plaidEnabled, `unknown setting "poolFactors"`},
		{"a sibling's setting", object{"imageFields": []any{"page"}, "baseURL": "http://inside"}, plaidEnabled, "no address from a schema"},
		{"properties", object{"imageFields": []any{"page"}, "properties": "page"}, plaidEnabled, "imageFields"},
		{"unknown property", object{"imageFields": []any{"picture"}}, plaidEnabled, `imageFields names "picture", which is no property of collection Page; its blob properties are [page]`},
		{"text property", object{"imageFields": []any{"title"}}, plaidEnabled, `"title", whose dataType is [text]; it must be [blob]`},
		{"hash of a blob", object{"imageFields": []any{"hash"}}, plaidEnabled, "it must be [blob], which keeps the image"},
		{"no index settings", pages, nil, "the plaid index is not enabled"},
		{"block lost by a client", pages, object{"multivector": object{"enabled": true}}, `or say "index": "hnsw"`},
		{"block disabled", pages, object{"multivector": object{"plaid": object{"enabled": false}}}, "the plaid index is not enabled"},
		{"another model's", object{"imageFields": []any{"page"}, "manifest": strings.Repeat("0", 64), "modelName": "other"}, plaidEnabled, `belongs to model "other" with manifest 0000`},
		{"contradiction", object{"imageFields": []any{"page"}, "index": "hnsw"}, plaidEnabled, "leave one of them out"},
	} {
		for _, name := range names() {
			t.Run(c.name+" as "+name, func(t *testing.T) {
				err := create(t, pageClass(name, maps.Clone(c.settings), c.index))
				require.ErrorContains(t, err, fmt.Sprintf(`module '%s': vector "colpali": `, name))
				require.ErrorContains(t, err, c.want)
			})
		}
	}
}

func TestCreateCollectionRefusesSkippedImage(t *testing.T) {
	for _, name := range names() {
		class := pageClass(name, object{"imageFields": []any{"page"}}, plaidEnabled)
		// Weaviate looks for the module's own name at import, whatever the schema used.
		class.Properties[1].ModuleConfig = object{Name: object{"skip": true}}
		require.ErrorContains(t, create(t, class), "leave skip out")
	}
}

func TestCreateCollectionRefusesUnnamedVector(t *testing.T) {
	class := &models.Class{
		Class: "Page", Vectorizer: Name, VectorIndexType: "hnsw", VectorIndexConfig: object{},
		ModuleConfig: object{Name: object{"imageFields": []any{"page"}}},
	}
	require.ErrorContains(t, create(t, class), `move it to "vectorConfig"`)
}

// stored is a collection as Weaviate holds it after creation.
func stored(name string) *models.Class {
	return pageClass(name, object{"imageFields": []any{"page"}, "index": "plaid"}, hnsw.UserConfig{})
}

func page(number int, text string) *models.Object {
	return &models.Object{
		ID:         strfmt.UUID(fmt.Sprintf("00000000-0000-0000-0000-%012d", number)),
		Class:      "Page",
		Properties: object{"title": "a title", "page": encoded(text)},
	}
}

// find returns how Weaviate looks up the stored version of an object; nil is none.
func find(found *search.Result) modulecapabilities.FindObjectFn {
	return func(context.Context, string, strfmt.UUID, search.SelectProperties, additional.Properties, string) (*search.Result, error) {
		return found, nil
	}
}

var notStored = find(nil)

func TestImportBatch(t *testing.T) {
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			fake := &fakeEmbedder{}
			logger, _ := logrustest.NewNullLogger()
			own := page(5, "own vectors")
			own.Vectors = models.Vectors{vectorName: [][]float32{{7}}}
			objects := []*models.Object{
				page(0, "one"),
				page(1, "broken"),
				{ID: "00000000-0000-0000-0000-000000000002", Properties: object{"title": "no image"}},
				{ID: "00000000-0000-0000-0000-000000000003", Properties: nil},
				page(4, strings.Repeat("x", 33<<20)),
				own,
				page(6, "seven!"),
			}
			failed, err := host(t, fake).BatchUpdateVector(t.Context(), stored(name), objects, notStored, logger)
			require.NoError(t, err)

			require.Equal(t, vectorsOf([]byte("one")), objects[0].Vectors[vectorName])
			require.Equal(t, [][]float32{{7}}, objects[5].Vectors[vectorName], "own vectors are kept")
			require.Equal(t, vectorsOf([]byte("seven!")), objects[6].Vectors[vectorName])

			require.Len(t, failed, 4)
			require.EqualError(t, failed[1], `object 00000000-0000-0000-0000-000000000001: property "page": image cannot be decoded: broken page`)
			require.ErrorContains(t, failed[2], `object 00000000-0000-0000-0000-000000000002: property "page": image is missing`)
			require.ErrorContains(t, failed[3], `property "page": image is missing`)
			require.ErrorContains(t, failed[4], `property "page": image has 34603008 bytes, the limit is 33554432`)
			for i := range failed {
				require.Empty(t, objects[i].Vectors)
			}
			require.Equal(t, [][][]byte{{[]byte("one"), []byte("broken"), []byte("seven!")}}, fake.calls, "one call")
		})
	}
}

func TestImportBatchInChunks(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	objects := make([]*models.Object, 2*chunkPages+1)
	for i := range objects {
		objects[i] = page(i, strings.Repeat("x", i+1))
	}
	cfg := modules.NewClassBasedModuleConfig(stored(Name), Name, "", vectorName, nil)
	vectors, _, failed := m.VectorizeBatch(t.Context(), objects, make([]bool, len(objects)), cfg)
	require.Empty(t, failed)
	for i := range vectors {
		require.Equal(t, [][]float32{{float32(i + 1)}}, vectors[i])
	}
	require.Len(t, fake.calls, 3)

	fake.calls = nil
	big := encoded(strings.Repeat("x", 30<<20))
	for i := range objects[:4] {
		objects[i].Properties = object{"page": big}
	}
	_, _, failed = m.VectorizeBatch(t.Context(), objects[:4], make([]bool, 4), cfg)
	require.Empty(t, failed)
	require.Len(t, fake.calls, 2, "three pages of 30 MiB reach the limit of bytes")
	require.Len(t, fake.calls[0], 3)
}

func TestImportBatchSkips(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	cfg := modules.NewClassBasedModuleConfig(stored(Name), Name, "", vectorName, nil)
	vectors, _, failed := m.VectorizeBatch(t.Context(),
		[]*models.Object{page(0, "a"), page(1, "b"), page(2, "c")}, []bool{true, false, true}, cfg)
	require.Empty(t, failed)
	require.Equal(t, [][][]float32{nil, vectorsOf([]byte("b")), nil}, vectors)

	fake.calls = nil
	_, _, failed = m.VectorizeBatch(t.Context(), []*models.Object{page(0, "a")}, []bool{true}, cfg)
	require.Empty(t, failed)
	require.Empty(t, fake.calls, "nothing to do, nothing called")
}

func TestImportBatchCancelled(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := modules.NewClassBasedModuleConfig(stored(Name), Name, "", vectorName, nil)
	_, _, failed := m.VectorizeBatch(ctx, []*models.Object{page(0, "a"), page(1, "b")}, make([]bool, 2), cfg)
	require.Len(t, failed, 2)
	require.ErrorIs(t, failed[0], context.Canceled)
	require.ErrorContains(t, failed[1], "object 00000000-0000-0000-0000-000000000001")
}

// A class update can add a vector without asking the module.
func TestImportIntoBrokenSettings(t *testing.T) {
	class := pageClass(Name, object{"index": "plaid"}, hnsw.UserConfig{})
	logger, _ := logrustest.NewNullLogger()
	objects := []*models.Object{page(0, "a")}
	failed, err := host(t, &fakeEmbedder{}).BatchUpdateVector(t.Context(), class, objects, notStored, logger)
	require.NoError(t, err)
	require.ErrorContains(t, failed[0], "settings of multi2multivec-colpali: imageFields is missing")
}

func TestImportOne(t *testing.T) {
	logger, _ := logrustest.NewNullLogger()
	provider := host(t, &fakeEmbedder{})
	good := page(0, "one")
	require.NoError(t, provider.UpdateVector(t.Context(), good, stored(Name), notStored, logger))
	require.Equal(t, vectorsOf([]byte("one")), good.Vectors[vectorName])

	bad := page(1, "broken")
	err := provider.UpdateVector(t.Context(), bad, stored(Name), notStored, logger)
	require.ErrorIs(t, err, errBroken)
	require.ErrorAs(t, err, &objects.ErrInvalidUserInput{}, "Weaviate answers 422 to this and 500 to others")
	require.Empty(t, bad.Vectors)

	failing := host(t, &fakeEmbedder{failure: vectorizer.ErrOutput})
	err = failing.UpdateVector(t.Context(), page(2, "one"), stored(Name), notStored, logger)
	require.ErrorIs(t, err, vectorizer.ErrOutput)
	require.NotErrorAs(t, err, &objects.ErrInvalidUserInput{})
}

// An update that leaves the image alone keeps its vectors and runs no model.
func TestUpdateKeepsVectorsOfTheSameImage(t *testing.T) {
	old := page(0, "same image")
	oldVectors := [][]float32{{42}}
	kept := find(&search.Result{Schema: old.Properties, Vectors: models.Vectors{vectorName: oldVectors}})
	for _, c := range []struct {
		name, image string
		want        [][]float32
		calls       int
	}{
		{"same image", "same image", oldVectors, 0},
		{"new image", "new image", vectorsOf([]byte("new image")), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeEmbedder{}
			logger, _ := logrustest.NewNullLogger()
			updated := page(0, c.image)
			updated.Properties.(object)["title"] = "another title"
			require.NoError(t, host(t, fake).UpdateVector(t.Context(), updated, stored("colpali"), kept, logger))
			require.Equal(t, c.want, updated.Vectors[vectorName])
			require.Len(t, fake.calls, c.calls)
		})
	}
}

// classes is a schema with one collection.
type classes struct{ class *models.Class }

func (c classes) ReadOnlyClass(string) *models.Class { return c.class }

func TestSearchByEitherName(t *testing.T) {
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			provider := host(t, &fakeEmbedder{})
			provider.SetSchemaGetter(classes{stored(name)})
			multi, err := provider.IsTargetVectorMultiVector("Page", vectorName)
			require.NoError(t, err)
			require.True(t, multi)

			vectors, err := provider.MultiVectorFromSearchParam(t.Context(), "Page", vectorName, "", "nearText",
				&nearText.NearTextParams{Values: []string{"bar", "chart"}}, nil)
			require.NoError(t, err)
			require.Equal(t, [][]float32{{3}, {5}}, vectors)

			vectors, err = provider.MultiVectorFromInput(t.Context(), "Page", "a hybrid query", vectorName)
			require.NoError(t, err)
			require.Len(t, vectors, 3)
			require.Contains(t, provider.GetArguments(stored(name)), "nearText")
			require.Contains(t, provider.AggregateArguments(stored(name)), "nearImage")
		})
	}
}
