package format

import (
	"bytes"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

// document is one to write.
type document struct {
	id   uint64
	rows maxsim.Int8Matrix
}

func sequence(documents []document) iter.Seq2[uint64, maxsim.Int8Matrix] {
	return func(yield func(uint64, maxsim.Int8Matrix) bool) {
		for _, d := range documents {
			if !yield(d.id, d.rows) {
				return
			}
		}
	}
}

// sampleDocuments are small, by hand rather than by Quantize, whose last bits may
// differ between processors: an ordinary one whose rows change places, one without rows, and
// one of unknown origin with a row that is not finite and one that is zero.
func sampleDocuments() []document {
	nan := float32(math.NaN())
	return []document{
		{id: 40, rows: maxsim.Int8Matrix{Dim: 5, Codes: []uint8{1, 64, 128, 200, 255, 255, 9, 8, 7, 6}, Scales: []float32{0.5, 0.25}, Origins: []uint16{1, 0}, Residual: 0.125, Norm: 2}},
		{id: 7, rows: maxsim.Int8Matrix{Dim: 5}},
		{id: math.MaxUint64, rows: maxsim.Int8Matrix{
			Dim: 5, Codes: []uint8{128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 3, 2, 1, 2, 3},
			Scales: []float32{nan, 0, 1}, Origins: []uint16{maxsim.NoOrigin, maxsim.NoOrigin, maxsim.NoOrigin}, Residual: 1e-3, Norm: 300,
		}},
	}
}

func sampleCodes() *Codes {
	return &Codes{
		Vectors: 1, Codebook: 2, Centroids: 9, Offsets: []uint32{0, 2, 2, 3}, IDs16: []uint16{4, 8, 1},
		Counts: []uint16{1, 1, 2}, Rows: []uint16{1, 0, 1, 2},
	}
}

func sampleWideCodes() *Codes {
	return &Codes{
		Vectors: 1, Codebook: 2, Centroids: 65537, Offsets: []uint32{0, 2, 2, 3}, IDs32: []uint32{5, 65536, 65535},
		Counts: []uint16{1, 1, 1}, Rows: []uint16{0, 1, 2},
	}
}

func sampleCodebook() *Codebook {
	c := &Codebook{Dim: 5, Children: []uint32{0, 4, 4, 9}, Reach: 0.25, Cosine: 0.875, Documents: 512}
	for i := range 9 * c.Dim {
		c.Centroids = append(c.Centroids, float32(i)/64)
	}
	for i := range 3 * c.Dim {
		c.Cells = append(c.Cells, -float32(i)/16)
	}
	return c
}

func sampleTuning() *Tuning {
	return &Tuning{
		Codebook: 2, IDs: []uint64{7, 40, math.MaxUint64},
		Centroids: []float32{-0.25, 0, 0.125, 0.5}, Skimmed: []float32{-0.125, 0.0625},
	}
}

// sampleFiles is a file of each kind by its name, and one of wide ids, number 4. They
// are an index, but for the number of centroids that 4 names.
func sampleFiles(t testing.TB) map[string][]byte {
	return map[string][]byte{
		FileName(1, KindVectors):  written(t, func(b *bytes.Buffer) error { return WriteVectors(b, 5, sequence(sampleDocuments())) }),
		FileName(2, KindCodebook): written(t, func(b *bytes.Buffer) error { return WriteCodebook(b, sampleCodebook()) }),
		FileName(3, KindCodes):    written(t, func(b *bytes.Buffer) error { return WriteCodes(b, sampleCodes()) }),
		FileName(4, KindCodes):    written(t, func(b *bytes.Buffer) error { return WriteCodes(b, sampleWideCodes()) }),
		FileName(5, KindTuning):   written(t, func(b *bytes.Buffer) error { return WriteTuning(b, sampleTuning()) }),
	}
}

func written(t testing.TB, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, write(&b))
	return b.Bytes()
}

// openAndVerify reads all of a file of any kind.
func openAndVerify(name string, b []byte) error {
	_, kind, _ := ParseFileName(name)
	_, problems := reopen(kind, b)
	return errors.Join(problems...)
}

// randomDocuments are as Quantize makes them.
func randomDocuments(seed uint64, n, dim, mostRows int) []document {
	r := rand.New(rand.NewPCG(seed, 1))
	documents := make([]document, n)
	for i := range documents {
		m := maxsim.Matrix{Dim: dim, Data: make([]float32, r.IntN(mostRows+1)*dim)}
		for j := range m.Data {
			m.Data[j] = float32(r.NormFloat64())
		}
		documents[i] = document{id: r.Uint64(), rows: maxsim.Quantize(m)}
	}
	return documents
}
