package multivector

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

// corpus is multi-vectors, stored as Weaviate stores them, and questions about them.
type corpus struct {
	source    *memory
	documents int // that there were at first: a benchmark may add some
	questions []maxsim.Matrix
	queries   []*maxsim.Query
	truth     [][]uint64 // brute force's best 100 for each question, nil: nobody asked yet
}

// The files of a folder with a corpus, which tools/dev/bench/index reads and writes, too. Little-endian,
// without headers: rows of numbers, how many rows each multi-vector has, and brute force's best 100 documents
// of each question, the best first and -1 where there are fewer.
const (
	docsFile    = "docs.f32"
	docLens     = "doclens.i32"
	queriesFile = "queries.f32"
	queryLens   = "qlens.i32"
	truthFile   = "truth.i32"
	truthDepth  = 100
)

// readCorpus reads a folder.
func readCorpus(b *testing.B, dir string) corpus {
	b.Helper()
	c := corpus{source: newMemory(), questions: readMatrices(b, dir, queriesFile, queryLens)}
	for i, document := range readMatrices(b, dir, docsFile, docLens) {
		c.source.put(uint64(i), document)
	}
	for best := range slices.Chunk(readInts(b, filepath.Join(dir, truthFile)), truthDepth) {
		var ids []uint64
		for _, id := range best {
			if id >= 0 {
				ids = append(ids, uint64(id))
			}
		}
		c.truth = append(c.truth, ids)
	}
	require.Len(b, c.truth, len(c.questions), "questions of %s in %s", dir, truthFile)
	return c
}

func readMatrices(b *testing.B, dir, data, lens string) []maxsim.Matrix {
	b.Helper()
	bytes, err := os.ReadFile(filepath.Join(dir, data))
	require.NoError(b, err)
	numbers := make([]float32, len(bytes)/4)
	for i := range numbers {
		numbers[i] = math.Float32frombits(binary.LittleEndian.Uint32(bytes[4*i:]))
	}
	rows := readInts(b, filepath.Join(dir, lens))
	total := 0
	for _, n := range rows {
		total += n
	}
	require.NotZero(b, total, "rows in %s", lens)
	require.Zero(b, len(numbers)%total, "numbers in %s that are not of a row in %s", data, lens)
	dim := len(numbers) / total
	var matrices []maxsim.Matrix
	for _, n := range rows {
		matrices = append(matrices, maxsim.Matrix{Data: numbers[: n*dim : n*dim], Dim: dim})
		numbers = numbers[n*dim:]
	}
	return matrices
}

func readInts(b *testing.B, file string) []int {
	b.Helper()
	bytes, err := os.ReadFile(file)
	require.NoError(b, err)
	ints := make([]int, len(bytes)/4)
	for i := range ints {
		ints[i] = int(int32(binary.LittleEndian.Uint32(bytes[4*i:])))
	}
	return ints
}

// save writes all but the truth, which is brute force's by another program.
func (c corpus) save(b *testing.B, dir string) {
	b.Helper()
	require.NoError(b, os.MkdirAll(dir, 0o755))
	var documents []maxsim.Matrix
	for id := range uint64(len(c.source.stored)) {
		documents = append(documents, c.source.stored[id])
	}
	writeMatrices(b, dir, queriesFile, queryLens, c.questions)
	writeMatrices(b, dir, docsFile, docLens, documents)
}

func writeMatrices(b *testing.B, dir, data, lens string, matrices []maxsim.Matrix) {
	b.Helper()
	file, err := os.Create(filepath.Join(dir, data))
	require.NoError(b, err)
	defer file.Close()
	var rows []byte
	for _, m := range matrices {
		var bytes []byte
		for _, x := range m.Data {
			bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(x))
		}
		_, err := file.Write(bytes)
		require.NoError(b, err)
		rows = binary.LittleEndian.AppendUint32(rows, uint32(m.Rows()))
	}
	require.NoError(b, os.WriteFile(filepath.Join(dir, lens), rows, 0o644))
}

// exactly is brute force's best documents of each question, as the corpus says or by scoring all.
func (c corpus) exactly(b *testing.B) [][]uint64 {
	b.Helper()
	if c.truth != nil {
		return c.truth
	}
	truth := make([][]uint64, len(c.queries))
	var workers sync.WaitGroup
	for i, query := range c.queries {
		workers.Go(func() {
			for _, r := range c.float32(query, truthDepth) {
				truth[i] = append(truth[i], r.ID)
			}
		})
	}
	workers.Wait()
	return truth
}

// float32 is brute force: what every document scores, without an index.
func (c corpus) float32(query *maxsim.Query, k int) []Result {
	best := newTop(k)
	for id, document := range c.source.stored {
		best.offer(Result{ID: id, Score: query.Score(document)})
	}
	return best.sorted()
}

// int8 is brute force on 8-bit codes: what the index does without its shortlist and its last look.
func (c corpus) int8() func(query *maxsim.Query, k int) []Result {
	codes := make([]maxsim.Int8Matrix, len(c.source.stored))
	for id := range codes {
		codes[id] = maxsim.Quantize(c.source.stored[uint64(id)])
	}
	return func(query *maxsim.Query, k int) []Result {
		best := newTop(k)
		for id, document := range codes {
			best.offer(Result{ID: uint64(id), Score: query.ScoreInt8(document)})
		}
		return best.sorted()
	}
}
