package vectorizer

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

const (
	randomModel = "testdata/colpali-random"

	// tolerance of one value of a vector: 4e-7 was measured; other CPUs sum in other orders.
	tolerance = 2e-5
	// scoreTolerance of a sum of some twenty products of vectors.
	scoreTolerance = 1e-4
)

// golden is golden/golden.json of a model folder: what the reference in PyTorch makes of its pages and queries.
// tools/dev/export/golden.py writes it.
type golden struct {
	Pages []struct {
		File              string  `json:"file"`
		PixelValuesSHA256 string  `json:"pixel_values_sha256"`
		IDs               []int64 `json:"ids"`
		// Tiles, or Grid and Positions, where the family's pages have them.
		Tiles      int        `json:"tiles"`
		Grid       Grid       `json:"grid"`
		Positions  [3][]int64 `json:"positions"`
		Vectors    int        `json:"vectors"`
		Rows       []int      `json:"rows"`
		Embeddings string     `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		Text string  `json:"text"`
		IDs  []int64 `json:"ids"`
	} `json:"queries"`
	QueryEmbeddings string      `json:"query_embeddings"`
	Scores          [][]float32 `json:"scores"`
}

// goldenFolder is where a model folder has its goldens.
type goldenFolder string

func goldenIn(model string) goldenFolder { return goldenFolder(filepath.Join(model, "golden")) }

func (g goldenFolder) file(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(string(g), name))
	require.NoError(t, err)
	return content
}

// floats reads little-endian float32.
func (g goldenFolder) floats(t testing.TB, name string) []float32 {
	t.Helper()
	content := g.file(t, name)
	values := make([]float32, len(content)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*i:]))
	}
	return values
}

func (g goldenFolder) read(t testing.TB) golden {
	t.Helper()
	var read golden
	require.NoError(t, json.Unmarshal(g.file(t, "golden.json"), &read))
	require.NotEmpty(t, read.Pages)
	require.NotEmpty(t, read.Queries)
	return read
}

// goldenModel is an open model beside its goldens.
type goldenModel struct {
	*Vectorizer
	goldenFolder
	golden
	blobs [][]byte
	texts []string
}

// openGolden opens a model on the CPU, where alone the tolerances hold.
func openGolden(t testing.TB, dir string) *goldenModel {
	t.Helper()
	v, err := Open(t.Context(), os.DirFS(dir), dir, Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	folder := goldenIn(dir)
	m := &goldenModel{Vectorizer: v, goldenFolder: folder, golden: folder.read(t)}
	m.blobs, m.texts = m.pages(t, folder), m.golden.texts()
	return m
}

// requirePage demands the golden rows of the page at i.
func (m *goldenModel) requirePage(t *testing.T, i int, got Embedding) {
	t.Helper()
	require.NoError(t, got.Err)
	want, dim := m.floats(t, m.Pages[i].Embeddings), m.model.Dim
	require.Len(t, want, len(m.Pages[i].Rows)*dim)
	for j, row := range m.Pages[i].Rows {
		requireClose(t, want[j*dim:][:dim], got.Vectors[row])
	}
}

func (g golden) pages(t testing.TB, folder goldenFolder) [][]byte {
	t.Helper()
	var pages [][]byte
	for _, page := range g.Pages {
		pages = append(pages, folder.file(t, page.File))
	}
	return pages
}

func (g golden) texts() []string {
	var texts []string
	for _, query := range g.Queries {
		texts = append(texts, query.Text)
	}
	return texts
}

// randomPages and randomTexts are the random ColPali's goldens.
func randomPages(t testing.TB) [][]byte {
	t.Helper()
	folder := goldenIn(randomModel)
	return folder.read(t).pages(t, folder)
}

func randomTexts(t testing.TB) []string {
	t.Helper()
	return goldenIn(randomModel).read(t).texts()
}

// openRandom opens the random ColPali on the CPU.
func openRandom(t testing.TB, o Options) *Vectorizer {
	t.Helper()
	o.Library, o.Device = orttest.Library(t), "cpu"
	v, err := Open(t.Context(), os.DirFS(randomModel), randomModel, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func requireClose(t *testing.T, want, got []float32) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if difference := math.Abs(float64(want[i] - got[i])); difference > tolerance {
			t.Fatalf("value %d is %g, want %g: they differ by %g", i, got[i], want[i], difference)
		}
	}
}
