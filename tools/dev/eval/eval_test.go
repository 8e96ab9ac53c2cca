package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

// The sets of the tests have these pages of the demo; the embedded model reads what is printed on them.
var words = map[string]string{"pancakes": "pancakes", "weather": "weather", "invoice": "invoice"}

var names = []string{"pancakes", "weather", "invoice"}

func pageImage(t *testing.T, name string) []byte {
	t.Helper()
	image, err := os.ReadFile(filepath.Join("..", "demo", "pages", name+".png"))
	require.NoError(t, err)
	return image
}

func write(t *testing.T, file, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
}

func writeTable[T any](t *testing.T, file string, rows []T) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, parquet.WriteFile(file, rows))
}

func beirSet(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	corpus, queries, qrels := "", "", "query-id\tcorpus-id\tscore\n"
	for i, name := range names {
		write(t, filepath.Join(dir, "images", name+".png"), string(pageImage(t, name)))
		corpus += fmt.Sprintf(`{"_id": %q, "image": "images/%s.png"}`+"\n", name, name)
		queries += fmt.Sprintf(`{"_id": "q%d", "text": %q}`+"\n", i, words[name])
		qrels += fmt.Sprintf("q%d\t%s\t1\n", i, name)
	}
	write(t, filepath.Join(dir, "corpus.jsonl"), corpus)
	write(t, filepath.Join(dir, "queries.jsonl"), queries+`{"_id": "unjudged", "text": "left out"}`+"\n")
	write(t, filepath.Join(dir, "qrels", "test.tsv"), qrels)
	return dir
}

type imageCell struct {
	Bytes []byte `parquet:"bytes,optional"`
	Path  string `parquet:"path,optional"`
}

func tablesSet(t *testing.T) string {
	t.Helper()
	type corpusRow struct {
		ID    int64     `parquet:"corpus-id"`
		Image imageCell `parquet:"image,optional"`
		Tags  []string  `parquet:"tags,list"`
	}
	type queryRow struct {
		ID       int64  `parquet:"query-id"`
		Query    string `parquet:"query,optional"`
		Language string `parquet:"language,optional"`
	}
	type judgement struct {
		Query int64 `parquet:"query-id"`
		Page  int64 `parquet:"corpus-id"`
		Score int64 `parquet:"score"`
	}
	var corpus []corpusRow
	var queries []queryRow
	var qrels []judgement
	for i, name := range names {
		id := int64(i)
		corpus = append(corpus, corpusRow{id, imageCell{Bytes: pageImage(t, name)}, []string{"a", "b"}})
		queries = append(queries, queryRow{id, words[name], "english"}, queryRow{id + 10, words[name], "french"})
		qrels = append(qrels, judgement{id, id, 2}, judgement{id + 10, id, 1})
	}
	dir := t.TempDir()
	writeTable(t, filepath.Join(dir, "corpus", "test-00000-of-00002.parquet"), corpus[:2])
	writeTable(t, filepath.Join(dir, "corpus", "test-00001-of-00002.parquet"), corpus[2:])
	writeTable(t, filepath.Join(dir, "queries", "test-00000-of-00001.parquet"), queries)
	writeTable(t, filepath.Join(dir, "qrels", "test-00000-of-00001.parquet"), qrels)
	return dir
}

func oneTableSet(t *testing.T) string {
	t.Helper()
	type row struct {
		Query *string   `parquet:"query,optional"`
		Image imageCell `parquet:"image,optional"`
		File  string    `parquet:"image_filename,optional"`
	}
	var rows []row
	for _, name := range names {
		text := words[name]
		rows = append(rows, row{&text, imageCell{Bytes: pageImage(t, name)}, name})
	}
	// A page shown twice, the second time without a query.
	rows = append(rows, row{nil, imageCell{Bytes: pageImage(t, names[0])}, names[0]})
	dir := t.TempDir()
	writeTable(t, filepath.Join(dir, "data", "test-00000-of-00001.parquet"), rows)
	return dir
}

func evaluated(t *testing.T, dir string, o options) report {
	t.Helper()
	t.Setenv("COLPALI_ONNXRUNTIME", orttest.Library(t))
	t.Setenv("COLPALI_DEVICE", "cpu")
	o.json = true
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, dir, o))
	var r report
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	return r
}

func TestEveryLayoutGivesTheSameFigures(t *testing.T) {
	beir := evaluated(t, beirSet(t), options{})
	require.Equal(t, 3, beir.Pages)
	require.Equal(t, 3, beir.Queries)
	require.InDelta(t, 1, beir.NDCG5, 1e-9, "the demo model finds what is printed on its demo pages")
	for _, other := range []report{evaluated(t, tablesSet(t), options{language: "french"}), evaluated(t, oneTableSet(t), options{})} {
		other.PagesPerSecond, other.QueriesPerSecond = beir.PagesPerSecond, beir.QueriesPerSecond
		require.Equal(t, beir, other)
	}
}

func TestPooledPagesHaveFewerVectors(t *testing.T) {
	r := evaluated(t, beirSet(t), options{poolFactor: 4, dropNonImage: true})
	require.Equal(t, 784/4, r.VectorsPerPage)
}

func TestASetIsRefusedByItsMistake(t *testing.T) {
	for want, spoil := range map[string]func(dir string){
		"queries.jsonl, line 1: ":                   func(dir string) { write(t, filepath.Join(dir, "queries.jsonl"), "{\n") },
		"qrels/test.tsv, line 2: 2 columns":         func(dir string) { write(t, filepath.Join(dir, "qrels", "test.tsv"), "head\na\tb\n") },
		"no query has a relevant page":              func(dir string) { write(t, filepath.Join(dir, "qrels", "test.tsv"), "head\n") },
		`names page "moon", which the corpus lacks`: func(dir string) { write(t, filepath.Join(dir, "qrels", "test.tsv"), "head\nq0\tmoon\t1\n") },
		"page escape: openat ../x.png: path escapes": func(dir string) {
			write(t, filepath.Join(dir, "corpus.jsonl"), `{"_id": "escape", "image": "../x.png"}`)
		},
		"page text: not a supported image": func(dir string) {
			write(t, filepath.Join(dir, "corpus.jsonl"), `{"_id": "text", "image": "queries.jsonl"}`)
		},
		"no retrieval set: there is neither corpus.json": func(dir string) { require.NoError(t, os.Remove(filepath.Join(dir, "corpus.jsonl"))) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Setenv("COLPALI_ONNXRUNTIME", orttest.Library(t))
			t.Setenv("COLPALI_DEVICE", "cpu")
			dir := beirSet(t)
			spoil(dir)
			require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, dir, options{poolFactor: 1}), want)
		})
	}
}

func TestAParquetSetIsRefusedByItsMistake(t *testing.T) {
	dir := tablesSet(t)
	write(t, filepath.Join(dir, "qrels", "test-00000-of-00001.parquet"), "PAR1 is all there is of it")
	_, err := open(dir, "")
	require.ErrorContains(t, err, "test-00000-of-00001.parquet")

	type wrong struct {
		Other string `parquet:"other"`
	}
	dir = tablesSet(t)
	writeTable(t, filepath.Join(dir, "queries", "test-00000-of-00001.parquet"), []wrong{{"x"}})
	_, err = open(dir, "")
	require.ErrorContains(t, err, "there is no column query-id")
}

// The values follow from trec_eval's definitions: gain is the grade, the discount log2(place + 1), places from 1.
func TestMetrics(t *testing.T) {
	ranked := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}
	for _, c := range []struct {
		name   string
		grades map[string]int
		want   metrics
	}{
		{"first", map[string]int{"a": 1}, metrics{1, 1, 1, 1, 1}},
		{"third", map[string]int{"c": 1}, metrics{0.5, 0, 1, 1, 1. / 3}},
		{"sixth", map[string]int{"f": 1}, metrics{0, 0, 0, 1, 1. / 6}},
		{"eleventh", map[string]int{"k": 1}, metrics{0, 0, 0, 0, 1. / 11}},
		{"first and seventh", map[string]int{"a": 1, "g": 1}, metrics{1 / (1 + 1/math.Log2(3)), 0.5, 0.5, 1, 1}},
		{"grades the wrong way round", map[string]int{"a": 1, "b": 2}, metrics{(1 + 2/math.Log2(3)) / (2 + 1/math.Log2(3)), 0.5, 1, 1, 1}},
		{"grades of no relevance", map[string]int{"a": 0, "b": 1, "c": -1}, metrics{1 / math.Log2(3), 0, 1, 1, 0.5}},
		{"nothing relevant", nil, metrics{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := measure(ranked, c.grades)
			for i, want := range []float64{c.want.ndcg5, c.want.recall1, c.want.recall5, c.want.recall10, c.want.mrr} {
				require.InDelta(t, want, []float64{got.ndcg5, got.recall1, got.recall5, got.recall10, got.mrr}[i], 1e-12, "metric %d", i)
			}
		})
	}
}

func TestEqualScoresPutTheLargerIDFirst(t *testing.T) {
	require.Equal(t, []string{"d", "c", "a", "b"}, rank([]string{"a", "b", "c", "d"}, []float32{1, 0, 1, 2}))
}

// golden is what pytrec_eval makes of random rankings; tools/dev/goldens/metrics.py writes it.
type golden struct {
	Cases []struct {
		Grades  map[string]int     `json:"grades"`
		Scores  map[string]float32 `json:"scores"`
		Metrics []float64          `json:"metrics"`
	} `json:"cases"`
}

func TestMetricsEqualPytrecEval(t *testing.T) {
	content, err := os.ReadFile("testdata/metrics.json")
	require.NoError(t, err)
	var g golden
	require.NoError(t, json.Unmarshal(content, &g))
	require.NotEmpty(t, g.Cases)
	for i, c := range g.Cases {
		var pages []string
		var scores []float32
		for page, score := range c.Scores {
			pages, scores = append(pages, page), append(scores, score)
		}
		m := measure(rank(pages, scores), c.Grades)
		got := []float64{m.ndcg5, m.recall1, m.recall5, m.recall10, m.mrr}
		require.InDeltaSlice(t, c.Metrics, got, 1e-6, "case %d", i)
	}
}
