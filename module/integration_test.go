package module

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	logrustest "github.com/sirupsen/logrus/hooks/test"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearImage"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"
	"github.com/weaviate/weaviate/usecases/modules"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/ort/orttest"
	"weaviate-colpali/vectorizer/processor"
)

// randomModel has ColPali's architecture and random weights.
const randomModel = "../vectorizer/testdata/colpali-random"

// running starts the module as a server does, on the model in dir; "" is the
// embedded one.
func running(t *testing.T, dir string) (*Module, *logrustest.Hook) {
	t.Helper()
	t.Setenv("COLPALI_ONNXRUNTIME", orttest.Library(t))
	t.Setenv("COLPALI_DEVICE", "cpu")
	t.Setenv("COLPALI_MODEL_DIR", dir)
	m := New()
	params, logged := initParams()
	require.NoError(t, m.Init(t.Context(), params))
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m, logged
}

func goldenPage(t *testing.T, name string) string {
	t.Helper()
	bytes, err := os.ReadFile(filepath.Join(randomModel, "golden", name))
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(bytes)
}

// TestRealModel goes the journeys of a page and of a query with a model behind.
func TestRealModel(t *testing.T) {
	m, _ := running(t, randomModel)
	meta, err := m.MetaInfo()
	require.NoError(t, err)
	require.Equal(t, false, meta["demo"])
	require.Equal(t, "CPUExecutionProvider", meta["provider"])
	dim, rows := meta["dimensions"].(int), meta["vectorsPerPage"].(int)

	letter, wide := goldenPage(t, "letter.png"), goldenPage(t, "wide.png")
	objects := make([]*models.Object, 4)
	for i, image := range []string{letter, encoded("no image"), letter[:len(letter)/8*4], wide} {
		objects[i] = page(i, "")
		objects[i].Properties = object{"page": image}
	}
	cfg := modules.NewClassBasedModuleConfig(stored("colpali"), Name, "", vectorName, nil)
	vectors, _, failed := m.VectorizeBatch(t.Context(), objects, make([]bool, len(objects)), cfg)
	require.Len(t, failed, 2)
	require.ErrorIs(t, failed[1], processor.ErrNotImage)
	require.ErrorIs(t, failed[2], processor.ErrUndecodable)
	for _, i := range []int{0, 3} {
		require.Len(t, vectors[i], rows)
		require.Len(t, vectors[i][0], dim)
	}

	sameImage, err := m.VectorSearches()["nearImage"](t.Context(), &nearImage.NearImageParams{Image: letter}, "Page", nil, cfg)
	require.NoError(t, err)
	require.Len(t, sameImage, rows)
	// A page alone and in a batch differ by the rounding of float32 sums.
	require.InDeltaSlice(t, vectors[0][rows/2], sameImage[rows/2], 1e-5)

	query, err := m.VectorSearches()["nearText"](t.Context(), &nearText.NearTextParams{Values: []string{"bar", "chart"}}, "Page", nil, cfg)
	require.NoError(t, err)
	require.Greater(t, len(query), 1)
	require.Len(t, query[0], dim)

	for name, text := range map[string]string{"empty": " ", "too long": strings.Repeat("long ", 1<<12)} {
		t.Run(name, func(t *testing.T) {
			_, err := m.VectorizeInput(t.Context(), text, cfg)
			require.ErrorIs(t, err, vectorizer.ErrQuery)
		})
	}
}

// A collection that pools keeps fewer vectors of its pages, and asks with all of a query's.
func TestPooledCollection(t *testing.T) {
	m, _ := running(t, randomModel)
	letter := goldenPage(t, "letter.png")
	vectorize := func(settings object) [][]float32 {
		settings["imageFields"] = []any{"page"}
		cfg := modules.NewClassBasedModuleConfig(pageClass(Name, settings, nil), Name, "", vectorName, nil)
		one := page(0, "")
		one.Properties = object{"page": letter}
		vectors, _, err := m.VectorizeObject(t.Context(), one, cfg)
		require.NoError(t, err)
		same, err := m.VectorSearches()["nearImage"](t.Context(), &nearImage.NearImageParams{Image: letter}, "Page", nil, cfg)
		require.NoError(t, err)
		require.Len(t, same, 1030, "a query is not pooled")
		return vectors
	}
	all := vectorize(object{})
	require.Len(t, all, 1030)
	patches := vectorize(object{"dropNonImage": true})
	require.Equal(t, all[:1024], patches, "the demo prompt of the random model stands behind its patches")
	require.Equal(t, vectorizer.Pool(all, 3), vectorize(object{"poolFactor": 3.0}))
	require.Equal(t, vectorizer.Pool(patches, 4), vectorize(object{"poolFactor": 4.0, "dropNonImage": true}), "dropped before they are pooled")
}

func TestEmbeddedModel(t *testing.T) {
	m, logged := running(t, "")
	require.Contains(t, logged.LastEntry().Message, "demo")
	meta, err := m.MetaInfo()
	require.NoError(t, err)
	require.Equal(t, true, meta["demo"])
	vectors, err := m.VectorizeInput(t.Context(), "bar chart", nil)
	require.NoError(t, err)
	require.Len(t, vectors[0], meta["dimensions"].(int))
}

func TestBrokenModelStopsTheServer(t *testing.T) {
	for _, c := range []struct {
		name, missing, want string
	}{
		{"no manifest", "colpali.json", "colpali.json"},
		{"manifest names a missing file", "text.onnx", "text.onnx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(randomModel)))
			require.NoError(t, os.Remove(filepath.Join(dir, c.missing)))
			t.Setenv("COLPALI_ONNXRUNTIME", orttest.Library(t))
			t.Setenv("COLPALI_MODEL_DIR", dir)
			params, _ := initParams()
			err := New().Init(t.Context(), params)
			require.ErrorContains(t, err, "open ColPali model: ")
			require.ErrorContains(t, err, dir)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestMissingLibraryStopsTheServer(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "libonnxruntime.so")
	t.Setenv("COLPALI_ONNXRUNTIME", missing)
	t.Setenv("COLPALI_MODEL_DIR", randomModel)
	params, _ := initParams()
	err := New().Init(t.Context(), params)
	require.ErrorContains(t, err, missing)
	require.ErrorContains(t, err, "COLPALI_ONNXRUNTIME")
}
