package format

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

func TestVectorsRoundTrip(t *testing.T) {
	for _, test := range []struct{ documents, dim, rows int }{
		{0, 1, 0}, {1, 1, 0}, {1, 1, 1}, {3, 7, 5}, {50, 128, 40}, {2, mostDim, 2}, {100, 20, 3},
	} {
		documents := randomDocuments(uint64(test.dim), test.documents, test.dim, test.rows)
		b := written(t, func(b *bytes.Buffer) error { return WriteVectors(b, test.dim, sequence(documents)) })
		v, err := OpenVectors(b)
		require.NoError(t, err)
		requireDocuments(t, documents, test.dim, v)
	}
}

// requireDocuments compares by bits, as NaN is a scale.
func requireDocuments(t *testing.T, want []document, dim int, got *Vectors) {
	t.Helper()
	require.Equal(t, len(want), got.Documents())
	require.Equal(t, dim, got.Dim())
	for i, d := range want {
		require.Equal(t, d.id, got.ID(i))
		m := got.Document(i)
		require.Equal(t, dim, m.Dim)
		require.True(t, bytes.Equal(d.rows.Codes, m.Codes))
		require.True(t, bytes.Equal(bytesOf(d.rows.Scales), bytesOf(m.Scales)))
		for row := range m.Rows() {
			require.Equal(t, d.rows.Origin(row), m.Origin(row))
		}
		require.InDelta(t, d.rows.Residual, m.Residual, 0)
		require.InDelta(t, d.rows.Norm, m.Norm, 0)
		require.NoError(t, got.Verify(i))
	}
}

func TestADocumentHasUpTo65535Rows(t *testing.T) {
	most := maxsim.Int8Matrix{Dim: 1, Codes: make([]uint8, mostRows), Scales: make([]float32, mostRows)}
	b := written(t, func(b *bytes.Buffer) error { return WriteVectors(b, 1, sequence([]document{{1, most}, {2, most}})) })
	v, err := OpenVectors(b)
	require.NoError(t, err)
	require.Equal(t, mostRows, v.Document(1).Rows())

	most.Codes, most.Scales = append(most.Codes, 1), append(most.Scales, 1)
	require.ErrorContains(t, WriteVectors(io.Discard, 1, sequence([]document{{1, most}})), "65536 rows")
}

func TestDocumentsAreViews(t *testing.T) {
	b := sampleFiles(t)[FileName(1, KindVectors)]
	v, err := OpenVectors(b)
	require.NoError(t, err)
	for i := range v.Documents() {
		offset, length := v.Range(i)
		require.Equal(t, b[offset:offset+length], v.Document(i).Codes)
		require.Equal(t, cap(v.Document(i).Codes), length, "append does not write into the next document")
		if length > 0 {
			require.Same(t, &b[offset], &v.Document(i).Codes[0])
		}
	}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		for i := range v.Documents() {
			_ = v.Document(i)
			_, _ = v.Range(i)
			_ = v.Verify(i)
		}
	}))
}

func TestVectorsOfAnyAlignmentOpen(t *testing.T) {
	b := sampleFiles(t)[FileName(1, KindVectors)]
	for shift := range 8 {
		moved := append(make([]byte, shift), b...)[shift:]
		v, err := OpenVectors(moved)
		require.NoError(t, err)
		requireDocuments(t, sampleDocuments(), 5, v)
		require.Zero(t, uintptr(unsafe.Pointer(&v.ids[0]))%8)
	}
}

func TestWriteVectorsRefusesWhatWouldNotOpen(t *testing.T) {
	row := func(scale float32) maxsim.Int8Matrix {
		return maxsim.Int8Matrix{Dim: 2, Codes: []uint8{1, 2}, Scales: []float32{scale}}
	}
	with := func(change func(*maxsim.Int8Matrix)) []document {
		m := row(1)
		change(&m)
		return []document{{1, m}}
	}
	for want, documents := range map[string][]document{
		"document with the id 1: dim: 3, expected 2":                           with(func(m *maxsim.Int8Matrix) { m.Dim = 3 }),
		"document with the id 1: codes: 1 bytes, expected 1 rows of 2":         with(func(m *maxsim.Int8Matrix) { m.Codes = m.Codes[:1] }),
		"document with the id 1: scales: row 0 has -1, expected NaN or finite": {{1, row(-1)}},
		"document with the id 1: scales: row 0 has +Inf":                       {{1, row(float32(math.Inf(1)))}},
		"residuals: document 0 has NaN, expected 0 or more":                    with(func(m *maxsim.Int8Matrix) { m.Residual = float32(math.NaN()) }),
		"norms: document 0 has -1, expected 0 or more":                         with(func(m *maxsim.Int8Matrix) { m.Norm = -1 }),
		"document with the id 1: origins: row 0 has 1, expected each of 1":     with(func(m *maxsim.Int8Matrix) { m.Origins = []uint16{1} }),
		"document with the id 1: origins: 2, expected 1 as there are scales":   with(func(m *maxsim.Int8Matrix) { m.Origins = []uint16{0, 1} }),
		"ids: two documents have the id 5":                                     {{5, row(1)}, {9, row(1)}, {5, row(1)}},
	} {
		err := WriteVectors(io.Discard, 2, sequence(documents))
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, ErrCorrupt)
	}
	for _, dim := range []int{-1, 0, mostDim + 1} {
		require.ErrorContains(t, WriteVectors(io.Discard, dim, sequence(nil)), "dim:")
	}
}

// vectorsFile is a file that fits together but for what change does to it.
func vectorsFile(t *testing.T, change func(v *Vectors)) []byte {
	v, err := OpenVectors(bytes.Clone(sampleFiles(t)[FileName(1, KindVectors)]))
	require.NoError(t, err)
	change(v)
	return written(t, func(b *bytes.Buffer) error {
		w := newWriter(b, KindVectors)
		w.begin(1, 0)
		w.write(v.codes)
		w.end()
		put(w, []uint32{uint32(v.dim)})
		put(w, v.ids)
		put(w, v.offsets)
		put(w, v.scales)
		put(w, v.residuals)
		put(w, v.norms)
		put(w, v.checksums)
		put(w, v.origins)
		return w.close()
	})
}

func TestOpenVectorsRefusesWhatDoesNotFit(t *testing.T) {
	for want, change := range map[string]func(*Vectors){
		"dim: 0, expected 1 to 65535":                              func(v *Vectors) { v.dim = 0 },
		"dim: 65536, expected":                                     func(v *Vectors) { v.dim = mostDim + 1 },
		"codes: 25 bytes, expected 5 rows of 4":                    func(v *Vectors) { v.dim = 4 },
		"codes: 25 bytes, expected 4 rows of 5":                    func(v *Vectors) { v.scales = v.scales[:4] },
		"offsets: 0 numbers, expected 4 for 3 documents":           func(v *Vectors) { v.offsets = nil },
		"offsets: 4 numbers, expected 3 for 2 documents":           func(v *Vectors) { v.ids = v.ids[:2] },
		"residuals: 2 numbers, expected 3":                         func(v *Vectors) { v.residuals = v.residuals[:2] },
		"origins: 4, expected 5 as there are scales":               func(v *Vectors) { v.origins = v.origins[:4] },
		"norms: 2 numbers, expected 3":                             func(v *Vectors) { v.norms = v.norms[:2] },
		"checksums: 2 numbers, expected 3":                         func(v *Vectors) { v.checksums = v.checksums[:2] },
		"offsets: the first is 1, expected 0":                      func(v *Vectors) { v.offsets[0] = 1 },
		"offsets: document 1 has rows 3 to 2, expected 0 to 65535": func(v *Vectors) { v.offsets[1] = 3 },
		"offsets: document 0 has rows 0 to 65536":                  func(v *Vectors) { v.offsets[1] = mostRows + 1 },
		"offsets: document 2 has rows 2 to 18446744073709551615":   func(v *Vectors) { v.offsets[3] = math.MaxUint64 },
		"offsets: the last is 6, expected 5 as there are scales":   func(v *Vectors) { v.offsets[3] = 6 },
		"residuals: document 2 has -1, expected 0 or more":         func(v *Vectors) { v.residuals[2] = -1 },
		"norms: document 0 has NaN, expected 0 or more":            func(v *Vectors) { v.norms[0] = float32(math.NaN()) },
		"ids: two documents have the id 40":                        func(v *Vectors) { v.ids[2] = 40 },
	} {
		_, err := OpenVectors(vectorsFile(t, change))
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, want)
	}
}

func TestVerifySeesWhatOpenDoesNotRead(t *testing.T) {
	v, err := OpenVectors(vectorsFile(t, func(v *Vectors) { v.codes[12]++ }))
	require.NoError(t, err)
	require.NoError(t, v.Verify(0))
	require.NoError(t, v.Verify(1))
	require.ErrorIs(t, v.Verify(2), ErrCorrupt)
	require.ErrorContains(t, v.Verify(2), "codes: document 2 has the CRC-32C")

	v, err = OpenVectors(vectorsFile(t, func(v *Vectors) {
		v.scales[3] = -1
		v.checksums[2] = checksumOf(v.Document(2))
	}))
	require.NoError(t, err)
	require.ErrorIs(t, v.Verify(2), ErrCorrupt)
	require.ErrorContains(t, v.Verify(2), "document 2: scales: row 1 has -1, expected NaN or finite")

	for want, origins := range map[string][]uint16{
		"origins: row 1 has 0, expected each of 3 rows once":    {0, 0, 2},
		"origins: row 2 has 3, expected each of 3 rows once":    {0, 1, 3},
		"origins: row 1 has 65535, expected each of 3 rows onc": {0, maxsim.NoOrigin, 1},
	} {
		v, err = OpenVectors(vectorsFile(t, func(v *Vectors) { copy(v.origins[2:], origins) }))
		require.NoError(t, err)
		require.ErrorIs(t, v.Verify(2), ErrCorrupt)
		require.ErrorContains(t, v.Verify(2), want)
	}
}

// TestWritersStopAtTheFirstError fails every write of every kind in turn.
func TestWritersStopAtTheFirstError(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"vectors":  func(w io.Writer) error { return WriteVectors(w, 5, sequence(sampleDocuments())) },
		"codebook": func(w io.Writer) error { return WriteCodebook(w, sampleCodebook()) },
		"codes":    func(w io.Writer) error { return WriteCodes(w, sampleCodes()) },
		"tuning":   func(w io.Writer) error { return WriteTuning(w, sampleTuning()) },
	} {
		var calls int
		for fail := 1; ; fail++ {
			full := &fullDisk{calls: fail}
			err := write(full)
			if err == nil {
				calls = fail - 1
				break
			}
			require.ErrorIs(t, err, io.ErrShortWrite, name)
			require.ErrorContains(t, err, "write "+name+" at ")
			require.Zero(t, full.after, "%s: writes after the error", name)
		}
		require.Greater(t, calls, 4, name)
	}
}

// fullDisk fails its write number `calls`.
type fullDisk struct{ calls, after int }

func (d *fullDisk) Write(b []byte) (int, error) {
	d.calls--
	switch {
	case d.calls > 0:
		return len(b), nil
	case d.calls < 0:
		d.after++
	}
	return len(b) / 2, io.ErrShortWrite
}

func TestNumbersAreLittleEndian(t *testing.T) {
	require.Equal(t, []uint64{0x0102030405060708}, view[uint64](binary.LittleEndian.AppendUint64(nil, 0x0102030405060708)))
}

func TestOlderFilesDoNotTellOrigins(t *testing.T) {
	b, err := os.ReadFile("testdata/v2/00000001.vectors")
	require.NoError(t, err)
	v, err := OpenVectors(b)
	require.NoError(t, err)
	for i, rows := range []int{2, 0, 3} {
		require.Equal(t, slices.Repeat([]uint16{maxsim.NoOrigin}, rows), v.Document(i).Origins)
		require.NoError(t, v.Verify(i))
	}
}
