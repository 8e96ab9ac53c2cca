package vectorizer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

// openForeign opens graphs as others export them, which make the vector (id + 1, mean pixel, 1) of length 1
// of each token; tools/dev/goldens/graphs.py makes them.
func openForeign(t *testing.T, edit func(object), graphs ...string) *Vectorizer {
	t.Helper()
	files := fstest.MapFS{"tokenizer.json": modelFiles(t)["tokenizer.json"]}
	sums := object{}
	for _, name := range graphs {
		content, err := os.ReadFile(filepath.Join("testdata", "foreign", name))
		require.NoError(t, err)
		files[name] = &fstest.MapFile{Data: content}
	}
	for name, file := range files {
		digest := sha256.Sum256(file.Data)
		sums[name] = object{"sha256": hex.EncodeToString(digest[:]), "bytes": len(file.Data)}
	}
	content, err := json.Marshal(foreignManifest(t, sums, edit))
	require.NoError(t, err)
	files[manifestFile] = &fstest.MapFile{Data: content}
	v, err := Open(t.Context(), files, "", Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func foreignManifest(t *testing.T, sums object, edit func(object)) object {
	t.Helper()
	var m object
	require.NoError(t, json.Unmarshal(modelFiles(t)[manifestFile].Data, &m))
	for path, value := range map[string]any{
		"dim": 3, "files": sums,
		"image.square": object{"width": 4, "height": 4, "grid": object{"width": 2, "height": 2}},
		"graph.text":   object{"file": "model.onnx", "output": "embeddings"},
	} {
		set(path, value)(m)
	}
	edit(m)
	return m
}

func single(m object) {
	set("graph.kind", "single")(m)
	set("graph.vision", nil)(m)
}

func variants(m object) {
	set("graph.kind", "variants")(m)
	set("graph.vision", object{"file": "model.onnx", "output": "embeddings"})(m)
	set("graph.text", object{"file": "text.onnx", "output": "embeddings"})(m)
}

func foreignVector(id int64, mean float64) []float32 {
	length := math.Sqrt(float64(id+1)*float64(id+1) + mean*mean + 1)
	return []float32{float32(float64(id+1) / length), float32(mean / length), float32(1 / length)}
}

func requireForeign(t *testing.T, ids []int64, mean float64, got Embedding) {
	t.Helper()
	require.NoError(t, got.Err)
	require.Len(t, got.Vectors, len(ids))
	for i, id := range ids {
		requireClose(t, foreignVector(id, mean), got.Vectors[i])
	}
}

func TestForeignGraphs(t *testing.T) {
	for name, v := range map[string]*Vectorizer{
		"single":   openForeign(t, single, "model.onnx"),
		"variants": openForeign(t, variants, "model.onnx", "text.onnx"),
	} {
		t.Run(name, func(t *testing.T) {
			// A black page is -1 everywhere.
			pages, err := v.EmbedPages(t.Context(), [][]byte{blankPNG(t, 9, 7), blankPNG(t, 4, 4)})
			require.NoError(t, err)
			prompt, err := v.layOut(9, 7)
			require.NoError(t, err)
			for _, page := range pages {
				requireForeign(t, prompt.ids, -1, page)
			}
			// Queries of two lengths see pixels of zero, or none.
			texts := []string{"a", "a longer one"}
			queries, err := v.EmbedQueries(t.Context(), texts)
			require.NoError(t, err)
			for i, text := range texts {
				ids, _ := v.wrapQuery(text)
				requireForeign(t, ids, 0, queries[i])
			}
		})
	}
}

// fastembed's ColModernVBERT reads [pages, tiles, 3, edge, edge]: what a page lacks of tiles is zero, and a query shows
// one that is.
func TestAForeignGraphOfTiles(t *testing.T) {
	v := openForeign(t, func(m object) {
		single(m)
		tilesOf("tile_tokens", 1)(m)
		set("image.tiles.edge", 4)(m)
		set("image.tiles.longest_edge", 8)(m)
		set("graph.text.file", "tiled.onnx")(m)
	}, "tiled.onnx")
	// 2 x 2 tiles and the view of the page, and 2 x 1.
	pages, err := v.EmbedPages(t.Context(), [][]byte{blankPNG(t, 8, 8), blankPNG(t, 8, 4)})
	require.NoError(t, err)
	for i, size := range [][2]int{{8, 8}, {8, 4}} {
		prompt, err := v.layOut(size[0], size[1])
		require.NoError(t, err)
		require.Len(t, prompt.images, []int{5, 3}[i])
		requireForeign(t, prompt.ids, []float64{-1, -3.0 / 5}[i], pages[i])
	}
	queries, err := v.EmbedQueries(t.Context(), []string{"a"})
	require.NoError(t, err)
	ids, _ := v.wrapQuery("a")
	requireForeign(t, ids, 0, queries[0])
}

// A model converted to float16 as a whole answers in it.
func TestAForeignGraphMayAnswerInHalf(t *testing.T) {
	v := openForeign(t, func(m object) {
		single(m)
		set("graph.text", object{"file": "half.onnx", "output": "embeddings", "output_type": "float16"})(m)
	}, "half.onnx")
	queries, err := v.EmbedQueries(t.Context(), []string{"a"})
	require.NoError(t, err)
	require.NoError(t, queries[0].Err)
	ids, _ := v.wrapQuery("a")
	require.Len(t, queries[0].Vectors, len(ids))
	for i, id := range ids {
		require.InDeltaSlice(t, foreignVector(id, 0), queries[0].Vectors[i], 1e-3)
	}
}

func TestAModelMayKeepOnlyTheImage(t *testing.T) {
	v := openForeign(t, func(m object) {
		single(m)
		set("page.drop_non_image", true)(m)
		set("page.prefix_ids", []int{2, 3})(m)
	}, "model.onnx")
	page := blankPNG(t, 5, 5)
	embeddings, err := v.EmbedPages(t.Context(), [][]byte{page})
	require.NoError(t, err)
	image := v.manifest.Page.ImageTokenID
	requireForeign(t, []int64{image, image, image, image}, -1, embeddings[0])
	layout, err := v.Layout(page)
	require.NoError(t, err)
	require.Equal(t, Layout{Grid: Grid{2, 2}, Rows: []int{0, 1, 2, 3}, Vectors: 4}, layout)
}

func TestVectorsOfTheImage(t *testing.T) {
	v := openForeign(t, func(m object) {
		single(m)
		set("page.prefix_ids", []int{2, 3})(m)
	}, "model.onnx")
	page := blankPNG(t, 5, 5)
	embeddings, err := v.EmbedPages(t.Context(), [][]byte{page})
	require.NoError(t, err)
	layout, err := v.Layout(page)
	require.NoError(t, err)
	require.Equal(t, []int{2, 3, 4, 5}, layout.Rows)
	require.Equal(t, layout.Rows, embeddings[0].Images)
	require.Equal(t, embeddings[0].Vectors[2:6], embeddings[0].OfImage())
}
