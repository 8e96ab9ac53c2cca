package multivector

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inspectable is the folder of a small index that holds a file of each kind.
func inspectable(t *testing.T) string {
	t.Helper()
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "index")
	source, r := newMemory(), rand.New(rand.NewPCG(1, 2))
	x, err := Open(Options{Source: source, Dir: dir, idle: true, limits: &low})
	require.NoError(t, err)
	for id := range uint64(30) {
		source.put(id, randomMatrix(r, 4, 8))
		require.NoError(t, x.Add(ctx, source.documents(id)...))
	}
	settle(t, x)
	require.NoError(t, x.Close(ctx))
	return dir
}

func inspected(t *testing.T, name string, verbose bool) (string, error) {
	t.Helper()
	var text bytes.Buffer
	err := Inspect(&text, name, verbose)
	return text.String(), err
}

func change(t *testing.T, name string, offset int) {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	b[offset] ^= 1
	require.NoError(t, os.WriteFile(name, b, 0o644))
}

func TestInspectPrintsAFolder(t *testing.T) {
	dir := inspectable(t)
	for _, name := range []string{"00000009.vectors.tmp", "00000008.codes.damaged", "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	text, err := inspected(t, dir, false)
	require.NoError(t, err)
	// How many ids there are and how near the centroids depends on the processor.
	require.Regexp(t, `^`+strings.Join([]string{
		`00000002\.codebook          sound            \d{4} bytes  16 centroids of 8 dimensions in \d+ cells, trained among 30 documents, mean cosine 0\.\d{3}`,
		`00000004\.vectors           sound            3152 bytes  30 documents, 120 rows of 8 dimensions`,
		`00000005\.codes             sound            \d{4} bytes  30 documents, \d{2,3} ids of 16 centroids, for 00000004\.vectors by 00000002\.codebook`,
		`00000006\.tuning            sound            \d{4} bytes  480 results among 30 documents fell short by up to \d\.\d{3}, after skimming by \d\.\d{3}, for 00000002\.codebook`,
		`00000008\.codes\.damaged     set aside: nothing reads it`,
		`00000009\.vectors\.tmp       being written, or a crash left it: removed when the index opens`,
		`notes\.txt                  not a file of the index`,
		`in all: 30 documents, \d{5} bytes, \d{3} bytes a document`,
	}, "\n")+"\n$", text)

	text, err = inspected(t, dir, true)
	require.NoError(t, err)
	require.Contains(t, text, "          64-1024  codes      960 x u8: ")
	require.Contains(t, text, "# 1: mean cosine of the training sample to its centroids\n")
}

func TestInspectPrintsAFile(t *testing.T) {
	dir := inspectable(t)
	name := filepath.Join(dir, "00000004.vectors")
	text, err := inspected(t, name, false)
	require.NoError(t, err)
	require.Equal(t, "00000004.vectors           sound            3152 bytes  30 documents, 120 rows of 8 dimensions\n", text)

	change(t, name, 100)
	require.NoError(t, os.Rename(name, name+".damaged"))
	text, err = inspected(t, name+".damaged", false)
	require.EqualError(t, err, name+".damaged: damaged: 00000004.vectors.damaged")
	require.Contains(t, text, "\n  the file is damaged: codes: document 1 has the CRC-32C ")

	_, err = inspected(t, filepath.Join(dir, "00000007.codes"), false)
	require.ErrorIs(t, err, os.ErrNotExist)
	name = filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(name, nil, 0o644))
	text, err = inspected(t, name, false)
	require.Error(t, err)
	require.Contains(t, text, "no file of the index has such a name")
}

func TestInspectVerifiesEveryDocument(t *testing.T) {
	dir := inspectable(t)
	change(t, filepath.Join(dir, "00000004.vectors"), 64+32*5) // 4 rows a document, 8 bytes a row
	text, err := inspected(t, dir, false)
	require.EqualError(t, err, dir+": damaged: 00000004.vectors")
	require.Contains(t, text, "\n  the file is damaged: codes: document 5 has the CRC-32C ")
	require.Contains(t, text, "\nin all: 30 documents, ", "the others are read all the same")
}

// foreign puts vectors of another index at name: one document.
func foreign(t *testing.T, name string, dim int) {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	x, err := Open(Options{Dir: dir, Source: newMemory(), idle: true})
	require.NoError(t, err)
	require.NoError(t, x.Add(ctx, documentsOf(dim, 1)...))
	require.NoError(t, x.Close(ctx))
	require.NoError(t, os.Rename(filepath.Join(dir, "00000001.vectors"), name))
}

// TestInspectSeesWhatOpenSetsAside harms one file in each case.
func TestInspectSeesWhatOpenSetsAside(t *testing.T) {
	for _, test := range []struct {
		file          string
		harm          func(name string)
		says, damaged string
	}{
		{
			"00000004.vectors", func(name string) { change(t, name, 0) },
			"00000005.codes             its vectors are missing or damaged: removed when the index opens", "00000004.vectors",
		},
		{
			"00000002.codebook", func(name string) { change(t, name, 80) },
			"00000005.codes             its codebook is missing or damaged", "00000002.codebook, 00000005.codes",
		},
		{
			"00000002.codebook", func(name string) { require.NoError(t, os.Remove(name)) },
			"00000005.codes             its codebook is missing or damaged\n" +
				"00000006.tuning            its codebook is missing, damaged or replaced: removed when the index opens", "00000005.codes",
		},
		{
			"00000006.tuning", func(name string) { change(t, name, 70) },
			"the file is damaged: codebook: CRC-32C", "00000006.tuning",
		},
		{
			"00000005.codes", func(name string) { require.NoError(t, os.Truncate(name, 0)) },
			"header: the file has 0 bytes", "00000005.codes",
		},
		{
			"00000006.vectors", func(name string) { foreign(t, name, 9) },
			"00000006.vectors           it has 9 dimensions, the first vectors have 8", "00000006.vectors",
		},
		{
			"00000004.vectors", func(name string) { foreign(t, name, 8) },
			"00000005.codes             its vectors are of 1 documents, expected 30", "00000005.codes",
		},
	} {
		dir := inspectable(t)
		test.harm(filepath.Join(dir, test.file))
		text, err := inspected(t, dir, false)
		require.EqualError(t, err, dir+": damaged: "+test.damaged)
		require.Contains(t, text, test.says)

		x, err := Open(Options{Source: newMemory(), Dir: dir, idle: true, limits: &low})
		require.NoError(t, err)
		require.NoError(t, x.Close(context.Background()))
		_, err = inspected(t, dir, false)
		require.NoError(t, err, "the index saw it, too")
	}
}
