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

// tiledModels are tiny random models whose pages are cut into tiles; tools/dev/goldens/tiled.py
// writes them and what colpali-engine makes of their pages and queries.
var tiledModels = []string{"colidefics3-random", "colmodernvbert-random", "biidefics3-random", "bimodernvbert-random"}

type tiledGolden struct {
	Edge        int `json:"edge"`
	LongestEdge int `json:"longest_edge"`

	PrefixIDs    []int64     `json:"prefix_ids"`
	SuffixIDs    []int64     `json:"suffix_ids"`
	ImageTokenID int64       `json:"image_token_id"`
	TileTokens   int         `json:"tile_tokens"`
	TileIDs      [][][]int64 `json:"tile_ids"`
	RowEndIDs    []int64     `json:"row_end_ids"`
	GridEndIDs   []int64     `json:"grid_end_ids"`
	ViewIDs      []int64     `json:"view_ids"`
	EndIDs       []int64     `json:"end_ids"`

	Pages []struct {
		File              string  `json:"file"`
		Tiles             int     `json:"tiles"`
		PixelValuesSHA256 string  `json:"pixel_values_sha256"`
		IDs               []int64 `json:"ids"`
		Vectors           int     `json:"vectors"`
		Rows              []int   `json:"rows"`
		Embeddings        string  `json:"embeddings"`
	} `json:"pages"`
	Queries []struct {
		Text string  `json:"text"`
		IDs  []int64 `json:"ids"`
	} `json:"queries"`
	QueryEmbeddings string      `json:"query_embeddings"`
	Scores          [][]float32 `json:"scores"`
}

// tiledModel runs the graphs of a tiled model.
type tiledModel struct {
	tiledGolden
	dir          string
	vision, text *ort.Session
	width, dim   int64
}

// tiledPage is a page on its way to the graphs.
type tiledPage struct {
	tiles  int64
	pixels []float32 // [tiles, 3, edge, edge]
	ids    []int64
}

func forTiledModels(t *testing.T, test func(*testing.T, *tiledModel)) {
	t.Helper()
	runtime, err := ort.Open(ort.Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, runtime.Close()) })
	for _, name := range tiledModels {
		t.Run(name, func(t *testing.T) { test(t, openTiled(t, runtime, filepath.Join("testdata", name))) })
	}
}

func openTiled(t *testing.T, runtime *ort.Runtime, dir string) *tiledModel {
	t.Helper()
	m := &tiledModel{dir: dir}
	content, err := os.ReadFile(filepath.Join(dir, "golden", "golden.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &m.tiledGolden))
	load := func(file string, inputs []string, output string) *ort.Session {
		session, err := runtime.Load(ort.Graph{Name: file, Path: filepath.Join(dir, file), Inputs: inputs, Output: output})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, session.Close()) })
		return session
	}
	m.vision = load("vision.onnx", []string{"pixel_values"}, "image_features")
	m.text = load("text.onnx", []string{"input_ids", "attention_mask", "image_features"}, "embeddings")
	m.width, m.dim = 32, 128
	if m.single() {
		m.dim = m.width
	}
	return m
}

// single says that the model gives one vector a page.
func (m *tiledModel) single() bool { return m.Pages[0].Vectors == 1 }

func (m *tiledModel) prompt() processor.TilePrompt {
	return processor.TilePrompt{
		ImageTokenID: m.ImageTokenID, TileTokens: m.TileTokens, TileIDs: m.TileIDs,
		RowEndIDs: m.RowEndIDs, GridEndIDs: m.GridEndIDs, ViewIDs: m.ViewIDs, EndIDs: m.EndIDs,
	}
}

// pages prepares the pages as the processor makes them of their files.
func (m *tiledModel) pages(t *testing.T) []tiledPage {
	t.Helper()
	tiling := processor.Tiling{Edge: m.Edge, LongestEdge: m.LongestEdge, Filter: processor.Lanczos, Order: processor.Pillow13}
	half := [3]float32{0.5, 0.5, 0.5}
	normalizer, err := processor.NewNormalizer(1.0/255, half, half)
	require.NoError(t, err)
	prepared := make([]tiledPage, 0, len(m.Pages))
	for _, page := range m.Pages {
		blob, err := os.ReadFile(filepath.Join(m.dir, "golden", page.File))
		require.NoError(t, err)
		image, err := processor.DecodeImage(blob, processor.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 20})
		require.NoError(t, err)
		columns, rows := tiling.Grid(image.Width, image.Height)
		p := tiledPage{ids: slices.Concat(m.PrefixIDs, m.prompt().IDs(columns, rows), m.SuffixIDs)}
		for _, tile := range tiling.Cut(image) {
			values := make([]float32, 3*m.Edge*m.Edge)
			normalizer.Apply(values, tile)
			p.pixels = append(p.pixels, values...)
			p.tiles++
		}
		prepared = append(prepared, p)
	}
	return prepared
}

// embedPages runs pages in one batch and returns the values of each.
func (m *tiledModel) embedPages(t *testing.T, pages ...tiledPage) [][]float32 {
	t.Helper()
	var pixels ort.Float32
	var ids [][]int64
	tiles := int64(0)
	for _, page := range pages {
		pixels.Data = append(pixels.Data, page.pixels...)
		ids = append(ids, page.ids)
		tiles += page.tiles
	}
	edge, tokens := int64(m.Edge), int64(m.TileTokens)
	pixels.Shape = []int64{tiles, 3, edge, edge}
	features := ort.Float32{Shape: []int64{tiles, tokens, m.width}, Data: make([]float32, tiles*tokens*m.width)}
	require.NoError(t, m.vision.Run(t.Context(), []ort.Tensor{pixels}, features))
	features.Shape = []int64{tiles * tokens, m.width}
	return m.embed(t, features, ids...)
}

func (m *tiledModel) embedQueries(t *testing.T, queries ...[]int64) [][]float32 {
	t.Helper()
	return m.embed(t, ort.Float32{Shape: []int64{1, m.width}, Data: make([]float32, m.width)}, queries...)
}

// embed pads the items at the right and returns the values of each without its padding.
func (m *tiledModel) embed(t *testing.T, features ort.Float32, items ...[]int64) [][]float32 {
	t.Helper()
	longest := 0
	for _, ids := range items {
		longest = max(longest, len(ids))
	}
	ids, mask := make([]int64, len(items)*longest), make([]int64, len(items)*longest)
	for i, item := range items {
		copy(ids[i*longest:], item)
		for j := range item {
			mask[i*longest+j] = 1
		}
	}
	rows := int64(longest)
	if m.single() {
		rows = 1
	}
	shape := []int64{int64(len(items)), int64(longest)}
	made := ort.Float32{Shape: []int64{shape[0], rows, m.dim}, Data: make([]float32, shape[0]*rows*m.dim)}
	inputs := []ort.Tensor{ort.Int64{Shape: shape, Data: ids}, ort.Int64{Shape: shape, Data: mask}, features}
	require.NoError(t, m.text.Run(t.Context(), inputs, made))
	split := make([][]float32, 0, len(items))
	for i, item := range items {
		own := made.Data[int64(i)*rows*m.dim:]
		split = append(split, own[:min(rows, int64(len(item)))*m.dim])
	}
	return split
}

func (m *tiledModel) vectors(t *testing.T, file string) []float32 {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(m.dir, "golden", file))
	require.NoError(t, err)
	values := make([]float32, len(content)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(content[4*i:]))
	}
	return values
}

func TestTiledPagesEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		require.NoError(t, m.prompt().Check(m.LongestEdge/m.Edge))
		for i, page := range m.pages(t) {
			golden := m.Pages[i]
			require.EqualValues(t, golden.Tiles, page.tiles, golden.File)
			require.Equal(t, golden.IDs, page.ids, golden.File)
			digest := sha256.New()
			require.NoError(t, binary.Write(digest, binary.LittleEndian, page.pixels))
			require.Equal(t, golden.PixelValuesSHA256, hex.EncodeToString(digest.Sum(nil)), golden.File)
		}
	})
}

func TestTiledPageVectorsEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		pages := m.pages(t)
		// All in one batch, and each alone: neither other pages nor padding may show.
		together := m.embedPages(t, pages...)
		for i, page := range m.Pages {
			want := m.vectors(t, page.Embeddings)
			alone := m.embedPages(t, pages[i])[0]
			require.Len(t, alone, page.Vectors*int(m.dim))
			requireClose(t, alone, together[i])
			for j, row := range page.Rows {
				requireClose(t, want[j*int(m.dim):][:m.dim], together[i][row*int(m.dim):][:m.dim])
			}
		}
	})
}

func TestTiledQueryVectorsEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		var ids [][]int64
		for _, query := range m.Queries {
			ids = append(ids, query.IDs)
		}
		want := m.vectors(t, m.QueryEmbeddings)
		for i, got := range m.embedQueries(t, ids...) {
			requireClose(t, want[:len(got)], got)
			requireClose(t, want[:len(got)], m.embedQueries(t, ids[i])[0])
			want = want[len(got):]
		}
		require.Empty(t, want)
	})
}

func TestTiledScoresEqualTheReference(t *testing.T) {
	forTiledModels(t, func(t *testing.T, m *tiledModel) {
		pages := m.embedPages(t, m.pages(t)...)
		for i, golden := range m.Queries {
			query, err := maxsim.NewQuery(m.matrix(t, m.embedQueries(t, golden.IDs)[0]))
			require.NoError(t, err)
			for j, page := range pages {
				require.InDelta(t, m.Scores[i][j], query.Score(m.matrix(t, page)), scoreTolerance, "query %d, page %d", i, j)
			}
		}
	})
}

func (m *tiledModel) matrix(t *testing.T, values []float32) maxsim.Matrix {
	t.Helper()
	made, err := maxsim.FromRows(slices.Collect(slices.Chunk(values, int(m.dim))))
	require.NoError(t, err)
	return made
}
