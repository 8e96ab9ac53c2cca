package plaid

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/storobj"

	"weaviate-colpali/maxsim"
)

// object marshals what Weaviate would store.
func object(t testing.TB, vectors map[string][]float32, multiVectors map[string][][]float32) []byte {
	t.Helper()
	o := storobj.FromObject(&models.Object{
		Class: "Page", ID: strfmt.UUID(uuid.Nil.String()),
		Properties: map[string]any{"title": "a page", "page": "aGVsbG8="},
	}, []float32{7, 8}, vectors, multiVectors)
	o.DocID = 42
	value, err := o.MarshalBinaryDisk(false)
	require.NoError(t, err)
	return value
}

// rowOf is a row as numbers.
func rowOf(m maxsim.Strided, i int) []float32 {
	row := make([]float32, m.Dim)
	for d := range row {
		row[d] = math.Float32frombits(binary.LittleEndian.Uint32(m.Data[i*m.Stride+4*d:]))
	}
	return row
}

func TestVectorsAreThoseThatWeaviateFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		multiVectors := map[string][][]float32{}
		for _, name := range []string{"a", "colpali", "a much longer name of a vector"} {
			rows := make([][]float32, r.IntN(5))
			for i := range rows {
				rows[i] = []float32{r.Float32(), r.Float32(), r.Float32()}
			}
			if len(rows) > 0 {
				multiVectors[name] = rows
			}
		}
		value := object(t, map[string][]float32{"single": {1, 2}}, multiVectors)
		for name := range map[string]bool{"a": true, "colpali": true, "a much longer name of a vector": true} {
			want, _ := storobj.MultiVectorFromBinary(value, name)
			got, err := findVectors(value, name)
			require.NoError(t, err)
			require.Equal(t, len(want), got.Rows())
			for i, row := range want {
				require.Equal(t, row, rowOf(got, i))
			}
		}
	}
}

func TestObjectsWithoutTheVector(t *testing.T) {
	for name, value := range map[string][]byte{
		"no vectors":            object(t, nil, nil),
		"single vectors only":   object(t, map[string][]float32{"colpali": {1}}, nil),
		"another multi-vector":  object(t, nil, map[string][][]float32{"other": {{1}}}),
		"an empty multi-vector": object(t, nil, map[string][][]float32{"colpali": {}}),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := findVectors(value, "colpali")
			require.NoError(t, err)
			require.Zero(t, got.Rows())
		})
	}
}

func TestObjectsOfOldReleasesEndEarlier(t *testing.T) {
	value := object(t, nil, nil)
	// The last 16 bytes are the four empty lengths of named vectors.
	require.Equal(t, make([]byte, 16), value[len(value)-16:])
	for _, cut := range []int{16, 8} {
		got, err := findVectors(value[:len(value)-cut], "colpali")
		require.NoError(t, err)
		require.Zero(t, got.Rows())
	}
}

func TestBrokenObjectsAreErrors(t *testing.T) {
	value := object(t, map[string][]float32{"single": {1, 2}}, map[string][][]float32{"colpali": {{1, 2}, {3, 4}}})
	other := bytes.Clone(value)
	other[0] = 2
	_, err := findVectors(other, "colpali")
	require.ErrorContains(t, err, "layout")

	_, err = findVectors(nil, "colpali")
	require.ErrorContains(t, err, "layout")

	// Every cut loses something, but for the two that old releases made.
	whole := 0
	for n := storobj.MarshallerV1HeaderLen; n < len(value); n++ {
		if _, err := findVectors(value[:n], "colpali"); err == nil {
			whole++
		}
	}
	require.Equal(t, 2, whole)

	ragged := object(t, nil, map[string][][]float32{"colpali": {{1, 2}, {3}}})
	_, err = findVectors(ragged, "colpali")
	require.ErrorIs(t, err, errBroken)
}

// Stored bytes are damaged by disks and by people: no damage may panic or claim
// memory that the object's length does not justify.
func FuzzFindVectors(f *testing.F) {
	f.Add(object(f, map[string][]float32{"single": {1, 2}}, map[string][][]float32{"colpali": {{1, 2}, {3, 4}}}))
	f.Add(object(f, nil, map[string][][]float32{"colpali": {{1}}, "other": {{2, 3}}}))
	f.Add(object(f, nil, nil))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := findVectors(value, "colpali")
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(got.Data), len(value))
		if want, err := storobj.MultiVectorFromBinary(value, "colpali"); err == nil && got.Rows() > 0 {
			require.Equal(t, len(want), got.Rows())
		}
	})
}

func BenchmarkFindVectors(b *testing.B) {
	rows := make([][]float32, 1030)
	for i := range rows {
		rows[i] = make([]float32, 128)
	}
	value := object(b, nil, map[string][][]float32{"colpali": rows})
	b.SetBytes(int64(len(value)))
	b.Run("where they lie", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := findVectors(value, "colpali")
			require.NoError(b, err)
		}
	})
	b.Run("by Weaviate's storobj", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, err := storobj.MultiVectorFromBinary(value, "colpali")
			require.NoError(b, err)
		}
	})
}
