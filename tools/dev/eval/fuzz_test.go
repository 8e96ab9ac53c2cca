package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// readWhole reads a set that somebody else made: it works or says what is wrong.
func readWhole(t *testing.T, dir string) {
	s, err := open(dir, "")
	if err != nil {
		return
	}
	require.NotEmpty(t, s.queries)
	_ = s.pages(func(page) error { return nil }) // pages may be missing, too
}

func FuzzBEIR(f *testing.F) {
	f.Add([]byte(`{"_id":"p","image":"a.png"}`), []byte(`{"_id":"q","text":"bee"}`), []byte("query-id\tcorpus-id\tscore\nq\tp\t1\n"))
	f.Add([]byte(`{"_id":"p","image":"../queries.jsonl"}`), []byte("\n{}\r\n"), []byte("\n\n\t\t1"))
	f.Add([]byte(`{"_id":"p","image":"."}`), []byte(`{"_id":1}`), []byte("q\tp\t1"))
	f.Fuzz(func(t *testing.T, corpus, queries, qrels []byte) {
		dir := t.TempDir()
		for name, content := range map[string][]byte{"corpus.jsonl": corpus, "queries.jsonl": queries, "qrels.tsv": qrels, "a.png": nil} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		readWhole(t, dir)
	})
}

func FuzzOneTable(f *testing.F) {
	type row struct {
		Query *string   `parquet:"query,optional"`
		Image imageCell `parquet:"image,optional"`
		File  string    `parquet:"image_filename,optional"`
	}
	bee := "bee"
	var file bytes.Buffer
	require.NoError(f, parquet.Write(&file, []row{{&bee, imageCell{Bytes: []byte("pixels")}, "a"}, {nil, imageCell{}, "a"}}))
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "test-0.parquet"), content, 0o600))
		readWhole(t, dir)
	})
}
