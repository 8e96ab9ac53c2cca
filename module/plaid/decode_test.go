package plaid

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/go-openapi/strfmt"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/storobj"

	"weaviate-colpali/multivector"
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

func TestDecodeEqualsWeaviatesOwnWay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var buffer multivector.Buffer // reused, as a search does
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
			got, err := decodeVectors(value, name, &buffer)
			require.NoError(t, err)
			require.Equal(t, len(want), got.Rows())
			for i, row := range want {
				require.Equal(t, row, got.Row(i))
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
			got, err := decodeVectors(value, "colpali", new(multivector.Buffer))
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
		got, err := decodeVectors(value[:len(value)-cut], "colpali", new(multivector.Buffer))
		require.NoError(t, err)
		require.Zero(t, got.Rows())
	}
}

func TestBrokenObjectsAreErrors(t *testing.T) {
	value := object(t, map[string][]float32{"single": {1, 2}}, map[string][][]float32{"colpali": {{1, 2}, {3, 4}}})
	var buffer multivector.Buffer

	other := bytes.Clone(value)
	other[0] = 2
	_, err := decodeVectors(other, "colpali", &buffer)
	require.ErrorContains(t, err, "layout")

	_, err = decodeVectors(nil, "colpali", &buffer)
	require.ErrorContains(t, err, "layout")

	// Every cut loses something, but for the two that old releases made.
	whole := 0
	for n := storobj.MarshallerV1HeaderLen; n < len(value); n++ {
		if _, err := decodeVectors(value[:n], "colpali", &buffer); err == nil {
			whole++
		}
	}
	require.Equal(t, 2, whole)

	ragged := object(t, nil, map[string][][]float32{"colpali": {{1, 2}, {3}}})
	_, err = decodeVectors(ragged, "colpali", &buffer)
	require.ErrorIs(t, err, errBroken)
}

func TestDecodingIntoAWarmBufferKeepsItsMemory(t *testing.T) {
	value := object(t, nil, map[string][][]float32{"colpali": {{1, 2}, {3, 4}}})
	var buffer multivector.Buffer
	first, err := decodeVectors(value, "colpali", &buffer)
	require.NoError(t, err)
	second, err := decodeVectors(value, "colpali", &buffer)
	require.NoError(t, err)
	require.Same(t, &first.Data[0], &second.Data[0])
}

// Stored bytes are damaged by disks and by people: no damage may panic or claim
// memory that the object's length does not justify.
func FuzzDecodeVectors(f *testing.F) {
	f.Add(object(f, map[string][]float32{"single": {1, 2}}, map[string][][]float32{"colpali": {{1, 2}, {3, 4}}}))
	f.Add(object(f, nil, map[string][][]float32{"colpali": {{1}}, "other": {{2, 3}}}))
	f.Add(object(f, nil, nil))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, value []byte) {
		var buffer multivector.Buffer
		got, err := decodeVectors(value, "colpali", &buffer)
		if err != nil {
			return
		}
		require.LessOrEqual(t, 4*len(got.Data), len(value))
		if want, err := storobj.MultiVectorFromBinary(value, "colpali"); err == nil && got.Rows() > 0 {
			require.Equal(t, len(want), got.Rows())
		}
	})
}

func BenchmarkDecodeVectors(b *testing.B) {
	rows := make([][]float32, 1030)
	for i := range rows {
		rows[i] = make([]float32, 128)
	}
	value := object(b, nil, map[string][][]float32{"colpali": rows})
	b.SetBytes(int64(len(value)))
	b.Run("into a buffer", func(b *testing.B) {
		var buffer multivector.Buffer
		b.ReportAllocs()
		for b.Loop() {
			_, err := decodeVectors(value, "colpali", &buffer)
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
