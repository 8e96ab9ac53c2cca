package tinymodel_test

import (
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/ort/orttest"
	"weaviate-colpali/vectorizer/tinymodel"
)

const (
	// depth at which rankings are judged.
	depth = 5
	// figureQueries ask for a kind of chart instead of words; several pages answer them.
	figureQueries = "figure"
	// sizeLimit of the embedded folder: everybody's binary carries it.
	sizeLimit = 8 << 20
)

type frozenPage struct {
	File string `json:"file"`
}

type frozenQuery struct {
	Query string   `json:"query"`
	Pages []string `json:"pages"`
	Kind  string   `json:"kind"`
}

// quality of rankings: means over queries.
type quality struct {
	nDCG   float64 // nDCG@5
	first  float64 // share of queries whose first page is a right one
	number int
}

// The floors lie a little under what was measured; see tools/dev/tinymodel/README.md for the
// figures and for BM25 on the true text of the same pages.
func TestQualityOnFrozenSets(t *testing.T) {
	v := open(t)
	for _, set := range []struct {
		folder         string
		words, figures quality
	}{
		{"generated", quality{nDCG: 0.93, first: 0.87}, quality{nDCG: 0.85, first: 0.75}},
		{"documents", quality{nDCG: 0.81, first: 0.66}, quality{}},
	} {
		t.Run(set.folder, func(t *testing.T) {
			pages, queries := readSet(t, set.folder)
			ranked := rank(t, v, set.folder, pages, queries)
			words := judge(queries, ranked, func(q frozenQuery) bool { return q.Kind != figureQueries })
			figures := judge(queries, ranked, func(q frozenQuery) bool { return q.Kind == figureQueries })
			for name, q := range map[string]quality{"words": words, "figures": figures} {
				t.Logf("%s: nDCG@5 %.3f, R@1 %.3f over %d queries", name, q.nDCG, q.first, q.number)
			}
			require.NotZero(t, words.number)
			require.GreaterOrEqual(t, words.nDCG, set.words.nDCG, "nDCG@5 of word queries")
			require.GreaterOrEqual(t, words.first, set.words.first, "R@1 of word queries")
			require.GreaterOrEqual(t, figures.nDCG, set.figures.nDCG, "nDCG@5 of figure queries")
			require.GreaterOrEqual(t, figures.first, set.figures.first, "R@1 of figure queries")
		})
	}
}

func TestEmbeddedFolderIsSmall(t *testing.T) {
	var size int64
	require.NoError(t, fs.WalkDir(tinymodel.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	require.Positive(t, size)
	require.LessOrEqual(t, size, int64(sizeLimit))
}

func open(t *testing.T) *vectorizer.Vectorizer {
	t.Helper()
	v, err := vectorizer.Open(t.Context(), tinymodel.FS(), "", vectorizer.Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, v.Close()) })
	return v
}

func readSet(t *testing.T, folder string) (pages []frozenPage, queries []frozenQuery) {
	t.Helper()
	readJSON(t, filepath.Join("testdata", "frozen", folder, "pages.json"), &pages)
	readJSON(t, filepath.Join("testdata", "frozen", folder, "queries.json"), &queries)
	return pages, queries
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	blob, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(blob, into), path)
}

// rank returns, for each query, the files of all pages, best first.
func rank(t *testing.T, v *vectorizer.Vectorizer, folder string, pages []frozenPage, queries []frozenQuery) [][]string {
	t.Helper()
	documents := embedPages(t, v, folder, pages)
	var texts []string
	for _, query := range queries {
		texts = append(texts, query.Query)
	}
	embedded, err := v.EmbedQueries(t.Context(), texts)
	require.NoError(t, err)
	var ranked [][]string
	for _, query := range embedded {
		packed, err := maxsim.NewQuery(matrix(t, query))
		require.NoError(t, err)
		ranked = append(ranked, order(packed, documents, pages))
	}
	return ranked
}

func embedPages(t *testing.T, v *vectorizer.Vectorizer, folder string, pages []frozenPage) []maxsim.Matrix {
	t.Helper()
	var images [][]byte
	for _, page := range pages {
		image, err := os.ReadFile(filepath.Join("testdata", "frozen", folder, page.File))
		require.NoError(t, err)
		images = append(images, image)
	}
	embedded, err := v.EmbedPages(t.Context(), images)
	require.NoError(t, err)
	var documents []maxsim.Matrix
	for _, page := range embedded {
		documents = append(documents, matrix(t, page))
	}
	return documents
}

func matrix(t *testing.T, embedding vectorizer.Embedding) maxsim.Matrix {
	t.Helper()
	require.NoError(t, embedding.Err)
	m, err := maxsim.FromRows(embedding.Vectors)
	require.NoError(t, err)
	return m
}

func order(query *maxsim.Query, documents []maxsim.Matrix, pages []frozenPage) []string {
	scores := make(map[string]float32, len(pages))
	var files []string
	for i, page := range pages {
		scores[page.File] = query.Score(documents[i])
		files = append(files, page.File)
	}
	sort.SliceStable(files, func(a, b int) bool { return scores[files[a]] > scores[files[b]] })
	return files
}

// judge averages over the queries that are wanted.
func judge(queries []frozenQuery, ranked [][]string, wanted func(frozenQuery) bool) quality {
	var q quality
	for i, query := range queries {
		if !wanted(query) {
			continue
		}
		q.number++
		q.nDCG += nDCG(query.Pages, ranked[i])
		if slices.Contains(query.Pages, ranked[i][0]) {
			q.first++
		}
	}
	if q.number > 0 {
		q.nDCG /= float64(q.number)
		q.first /= float64(q.number)
	}
	return q
}

func nDCG(right, ranked []string) float64 {
	gain, ideal := 0.0, 0.0
	for i := range depth {
		discount := 1 / math.Log2(float64(i+2))
		if slices.Contains(right, ranked[i]) {
			gain += discount
		}
		if i < len(right) {
			ideal += discount
		}
	}
	return gain / ideal
}
