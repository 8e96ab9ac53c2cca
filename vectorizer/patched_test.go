package vectorizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer/ort"
	"weaviate-colpali/vectorizer/ort/orttest"
	"weaviate-colpali/vectorizer/processor"
)

// patchedModels are tiny random models whose pages are cut into patches; tools/dev/goldens/patched.py
// writes them and what colpali-engine makes of their pages and queries.
var patchedModels = []string{
	"colqwen2-random", "colqwen2_5-random", "colqwen3-random", "biqwen2-random", "biqwen2_5-random", "biqwen3-random",
}

type patchedGolden struct {
	Pages []struct {
		File              string     `json:"file"`
		PixelValuesSHA256 string     `json:"pixel_values_sha256"`
		IDs               []int64    `json:"ids"`
		Positions         [3][]int64 `json:"positions"`
		Vectors           int        `json:"vectors"`
		Embeddings        string     `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		IDs []int64 `json:"ids"`
	} `json:"queries"`
	QueryEmbeddings string      `json:"query_embeddings"`
	Scores          [][]float32 `json:"scores"`
}

// patchedModel runs the graphs of a patched model.
type patchedModel struct {
	patchedGolden
	dir          string
	spec         patchedSpec
	vision, text *ort.Session
}

// patchedSpec is what the test needs of the manifest.
type patchedSpec struct {
	Dim   int `json:"dim"`
	Graph struct {
		ImageFeatureWidth int `json:"image_feature_width"`
	} `json:"graph"`
	Image struct {
		Mean    [3]float32 `json:"mean"`
		Std     [3]float32 `json:"std"`
		Patches struct {
			Edge      int `json:"edge"`
			Merge     int `json:"merge"`
			Frames    int `json:"frames"`
			MinPixels int `json:"min_pixels"`
			MaxPixels int `json:"max_pixels"`
		} `json:"patches"`
	} `json:"image"`
	Page struct {
		PrefixIDs    []int64 `json:"prefix_ids"`
		ImageTokenID int64   `json:"image_token_id"`
		SuffixIDs    []int64 `json:"suffix_ids"`
	} `json:"page"`
}

// patchedItem is a page, or a query without patches, on its way to the graphs.
type patchedItem struct {
	pixels    []float32 // [patches, values]
	places    []int64   // [patches, 2]
	ids       []int64
	positions [3][]int64
}

func forPatchedModels(t *testing.T, test func(*testing.T, *patchedModel)) {
	t.Helper()
	runtime, err := ort.Open(ort.Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, runtime.Close()) })
	for _, name := range patchedModels {
		t.Run(name, func(t *testing.T) { test(t, openPatched(t, runtime, filepath.Join("testdata", name))) })
	}
}

func openPatched(t *testing.T, runtime *ort.Runtime, dir string) *patchedModel {
	t.Helper()
	m := &patchedModel{dir: dir}
	for name, into := range map[string]any{manifestFile: &m.spec, "golden/golden.json": &m.patchedGolden} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(content, into))
	}
	load := func(file string, inputs []string, output string) *ort.Session {
		session, err := runtime.Load(ort.Graph{Name: file, Path: filepath.Join(dir, file), Inputs: inputs, Output: output})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, session.Close()) })
		return session
	}
	m.vision = load("vision.onnx", []string{"pixel_values", "patch_positions"}, "image_features")
	m.text = load("text.onnx", []string{"input_ids", "attention_mask", "position_ids", "image_features"}, "embeddings")
	return m
}

func (m *patchedModel) patching() processor.Patching {
	spec := m.spec.Image.Patches
	return processor.Patching{
		Edge: spec.Edge, Merge: spec.Merge, Frames: spec.Frames, MinPixels: spec.MinPixels, MaxPixels: spec.MaxPixels,
		Filter: processor.Bicubic, Order: processor.Pillow13,
	}
}

// pages prepares the pages as the processor makes them of their files.
func (m *patchedModel) pages(t *testing.T) []patchedItem {
	t.Helper()
	patching, page := m.patching(), m.spec.Page
	normalizer, err := processor.NewNormalizer(1.0/255, m.spec.Image.Mean, m.spec.Image.Std)
	require.NoError(t, err)
	items := make([]patchedItem, len(m.Pages))
	for i, golden := range m.Pages {
		blob, err := os.ReadFile(filepath.Join(m.dir, "golden", golden.File))
		require.NoError(t, err)
		image, err := processor.DecodeImage(blob, processor.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 20})
		require.NoError(t, err)
		scaled, err := patching.Scale(image)
		require.NoError(t, err)
		columns, rows := patching.Grid(scaled)
		tokens := slices.Repeat([]int64{page.ImageTokenID}, columns*rows)
		item := patchedItem{ids: slices.Concat(page.PrefixIDs, tokens, page.SuffixIDs)}
		item.positions = processor.RotaryPositions(item.ids, page.ImageTokenID, columns, rows)
		patches := columns * rows * patching.Merge * patching.Merge
		item.pixels, item.places = make([]float32, patches*patching.Values()), make([]int64, patches*2)
		patching.Apply(item.pixels, scaled, normalizer)
		patching.Positions(item.places, scaled)
		items[i] = item
	}
	return items
}

func (m *patchedModel) queries() []patchedItem {
	items := make([]patchedItem, len(m.Queries))
	for i, query := range m.Queries {
		items[i].ids = query.IDs
		items[i].positions = processor.RotaryPositions(query.IDs, m.spec.Page.ImageTokenID, 0, 0)
	}
	return items
}

// embed runs the items in one batch, padded at the right, and returns the values of each.
func (m *patchedModel) embed(t *testing.T, items ...patchedItem) [][]float32 {
	t.Helper()
	longest := 0
	for _, item := range items {
		longest = max(longest, len(item.ids))
	}
	block := len(items) * longest
	ids, mask, positions := make([]int64, block), make([]int64, block), make([]int64, 3*block)
	for i, item := range items {
		copy(ids[i*longest:], item.ids)
		for j := range item.ids {
			mask[i*longest+j] = 1
		}
		for axis, own := range item.positions {
			copy(positions[axis*block+i*longest:], own)
		}
	}
	shape := []int64{int64(len(items)), int64(longest)}
	rows := longest
	if m.Pages[0].Vectors == 1 {
		rows = 1
	}
	made := ort.Float32{Shape: []int64{shape[0], int64(rows), int64(m.spec.Dim)}, Data: make([]float32, len(items)*rows*m.spec.Dim)}
	inputs := []ort.Tensor{
		ort.Int64{Shape: shape, Data: ids}, ort.Int64{Shape: shape, Data: mask},
		ort.Int64{Shape: append([]int64{3}, shape...), Data: positions}, m.look(t, items),
	}
	require.NoError(t, m.text.Run(t.Context(), inputs, made))
	split := make([][]float32, len(items))
	for i, item := range items {
		split[i] = made.Data[i*rows*m.spec.Dim:][:min(rows, len(item.ids))*m.spec.Dim]
	}
	return split
}

// look returns the image features of the items' image tokens, in order; one row of nothing without any.
func (m *patchedModel) look(t *testing.T, items []patchedItem) ort.Float32 {
	t.Helper()
	width, values, longest := m.spec.Graph.ImageFeatureWidth, m.patching().Values(), 0
	for _, item := range items {
		longest = max(longest, len(item.places)/2)
	}
	if longest == 0 {
		return ort.Float32{Shape: []int64{1, int64(width)}, Data: make([]float32, width)}
	}
	pixels, places := make([]float32, len(items)*longest*values), slices.Repeat([]int64{-1}, len(items)*longest*2)
	for i, item := range items {
		copy(pixels[i*longest*values:], item.pixels)
		copy(places[i*longest*2:], item.places)
	}
	merged := m.spec.Image.Patches.Merge * m.spec.Image.Patches.Merge
	shape := []int64{int64(len(items)), int64(longest)}
	features := ort.Float32{
		Shape: []int64{shape[0], int64(longest / merged), int64(width)},
		Data:  make([]float32, len(items)*longest/merged*width),
	}
	inputs := []ort.Tensor{
		ort.Float32{Shape: append(shape[:2:2], int64(values)), Data: pixels},
		ort.Int64{Shape: append(shape[:2:2], 2), Data: places},
	}
	require.NoError(t, m.vision.Run(t.Context(), inputs, features))
	var own []float32
	for i, item := range items {
		own = append(own, features.Data[i*longest/merged*width:][:len(item.places)/2/merged*width]...)
	}
	return ort.Float32{Shape: []int64{int64(len(own) / width), int64(width)}, Data: own}
}

func (m *patchedModel) vectors(t *testing.T, file string) []float32 {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(m.dir, "golden", file))
	require.NoError(t, err)
	values := make([]float32, len(content)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*i:]))
	}
	return values
}

func TestPatchedPagesEqualTheReference(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		for i, page := range m.pages(t) {
			golden := m.Pages[i]
			require.Equal(t, golden.IDs, page.ids, golden.File)
			require.Equal(t, golden.Positions, page.positions, golden.File)
			digest := sha256.New()
			require.NoError(t, binary.Write(digest, binary.LittleEndian, page.pixels))
			require.Equal(t, golden.PixelValuesSHA256, hex.EncodeToString(digest.Sum(nil)), golden.File)
		}
	})
}

func TestPatchedPageVectorsEqualTheReference(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		pages := m.pages(t)
		// All in one batch, and each alone: neither other pages nor padding may show.
		together := m.embed(t, pages...)
		for i, page := range m.Pages {
			want := m.vectors(t, page.Embeddings)
			require.Len(t, want, page.Vectors*m.spec.Dim)
			requireClose(t, want, m.embed(t, pages[i])[0])
			requireClose(t, want, together[i])
		}
	})
}

func TestPatchedQueryVectorsEqualTheReference(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		queries, want := m.queries(), m.vectors(t, m.QueryEmbeddings)
		for i, got := range m.embed(t, queries...) {
			requireClose(t, want[:len(got)], got)
			requireClose(t, want[:len(got)], m.embed(t, queries[i])[0])
			want = want[len(got):]
		}
		require.Empty(t, want)
	})
}

func TestPatchedScoresEqualTheReference(t *testing.T) {
	forPatchedModels(t, func(t *testing.T, m *patchedModel) {
		pages := m.embed(t, m.pages(t)...)
		for i, item := range m.queries() {
			query, err := maxsim.NewQuery(m.matrix(t, m.embed(t, item)[0]))
			require.NoError(t, err)
			for j, page := range pages {
				require.InDelta(t, m.Scores[i][j], query.Score(m.matrix(t, page)), scoreTolerance, "query %d, page %d", i, j)
			}
		}
	})
}

func (m *patchedModel) matrix(t *testing.T, values []float32) maxsim.Matrix {
	t.Helper()
	made, err := maxsim.FromRows(slices.Collect(slices.Chunk(values, m.spec.Dim)))
	require.NoError(t, err)
	return made
}
