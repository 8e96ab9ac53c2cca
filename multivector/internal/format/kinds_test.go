package format

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

func TestCodesRoundTrip(t *testing.T) {
	for _, want := range []*Codes{
		sampleCodes(),
		sampleWideCodes(),
		{Vectors: 1, Codebook: 2, Centroids: 65536, Offsets: []uint32{0, 1}, IDs16: []uint16{65535}, Counts: []uint16{0}, Rows: []uint16{}},
		{Vectors: 1, Codebook: 2, Centroids: math.MaxInt32, Offsets: []uint32{0, 1}, IDs32: []uint32{math.MaxInt32 - 1}, Counts: []uint16{1}, Rows: []uint16{65535}},
	} {
		got, err := OpenCodes(written(t, func(b *bytes.Buffer) error { return WriteCodes(b, want) }))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	none := &Codes{Vectors: 1, Codebook: 2, Centroids: 1, Offsets: []uint32{0}}
	got, err := OpenCodes(written(t, func(b *bytes.Buffer) error { return WriteCodes(b, none) }))
	require.NoError(t, err)
	codes, err := maxsim.NewCodes(got.IDs16, got.Offsets, got.Centroids)
	require.NoError(t, err)
	require.Zero(t, codes.Documents())
}

func TestCodesThatDoNotFit(t *testing.T) {
	for want, change := range map[string]func(*Codes){
		"vectors: 0, expected the number of a file":               func(c *Codes) { c.Vectors = 0 },
		"codebook: 0, expected the number of a file":              func(c *Codes) { c.Codebook = 0 },
		"centroids: 0, expected 1 to 4294967295":                  func(c *Codes) { c.Centroids = 0 },
		"offsets or ids: the centroid codes are damaged: id 8 at": func(c *Codes) { c.Centroids = 8 },
		"the offsets do not span the 3 ids":                       func(c *Codes) { c.Offsets = nil },
		"document 1 ends before it begins":                        func(c *Codes) { c.Offsets[1] = 3 },
		"counts: 2, expected one for each of 3 ids":               func(c *Codes) { c.Counts = c.Counts[:2] },
		"rows: 3, expected 4 as counted":                          func(c *Codes) { c.Rows = c.Rows[:3] },
		"rows: 4, expected 5 as counted":                          func(c *Codes) { c.Counts[0]++ },
	} {
		c := sampleCodes()
		change(c)
		err := WriteCodes(io.Discard, c)
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, ErrCorrupt)

		_, err = OpenCodes(written(t, func(b *bytes.Buffer) error { return c.write(b) }))
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, want)
	}
}

func TestIDsHaveTheWidthOfTheirCentroids(t *testing.T) {
	narrow := sampleCodes()
	narrow.IDs32 = []uint32{}
	require.ErrorContains(t, WriteCodes(io.Discard, narrow), "ids: those of 4 bytes, expected 2 for 9 centroids")
	wide := sampleWideCodes()
	wide.IDs16 = []uint16{}
	require.ErrorContains(t, WriteCodes(io.Discard, wide), "ids: those of 2 bytes, expected 4 for 65537 centroids")

	for centroids, put := range map[uint32]func(*writer){
		9:     func(w *writer) { put(w, []uint32{}) },
		65537: func(w *writer) { put(w, []uint16{}) },
	} {
		_, err := OpenCodes(written(t, func(b *bytes.Buffer) error {
			w := newWriter(b, KindCodes)
			putAll(w, centroids)
			put(w)
			put16(w)
			put16(w)
			return w.close()
		}))
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, "ids: those of ")
	}
	none := &Codes{Vectors: 1, Codebook: 2, Centroids: 65537, Offsets: []uint32{0}}
	_, err := OpenCodes(written(t, func(b *bytes.Buffer) error { return WriteCodes(b, none) }))
	require.NoError(t, err)
}

func put16(w *writer) { put(w, []uint16{}) }

// putAll writes all but the ids, counts and rows of codes that have none.
func putAll(w *writer, centroids uint32) {
	put(w, []uint64{1})
	put(w, []uint64{2})
	put(w, []uint32{centroids})
	put(w, []uint32{0})
}

func TestCodebookRoundTrip(t *testing.T) {
	for _, want := range []*Codebook{sampleCodebook(), smallCodebook()} {
		got, err := OpenCodebook(written(t, func(b *bytes.Buffer) error { return WriteCodebook(b, want) }))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func smallCodebook() *Codebook {
	return &Codebook{Dim: 2, Centroids: []float32{1, 0, 0, 1, -1, 0}, Cells: []float32{0.5, 0.5, 0, 0, -1, 0}, Children: []uint32{0, 2, 2, 3}}
}

func TestCodebooksThatDoNotFit(t *testing.T) {
	nan := float32(math.NaN())
	for want, change := range map[string]func(*Codebook){
		"dim: 0, expected 1 to 65535":                        func(c *Codebook) { c.Dim = 0 },
		"dim: 65536, expected 1 to 65535":                    func(c *Codebook) { c.Dim = mostDim + 1 },
		"centroids: 5 numbers, expected rows of 2":           func(c *Codebook) { c.Centroids = c.Centroids[:5] },
		"centroids: 0 numbers, expected rows of 2":           func(c *Codebook) { c.Centroids = nil },
		"centroids: number 3 is NaN, expected a finite one":  func(c *Codebook) { c.Centroids[3] = nan },
		"cells: number 0 is -Inf, expected a finite one":     func(c *Codebook) { c.Cells[0] = float32(math.Inf(-1)) },
		"cells: 0 numbers, expected rows of 2":               func(c *Codebook) { c.Cells = nil },
		"children: 3 numbers, expected 1 more than 3 cells":  func(c *Codebook) { c.Children = c.Children[:3] },
		"children: a cell ends before it begins":             func(c *Codebook) { c.Children[1] = 3 },
		"children: from 1 to 3, expected 0 to 3":             func(c *Codebook) { c.Children[0] = 1 },
		"children: from 0 to 4, expected 0 to 3":             func(c *Codebook) { c.Children[3] = 4 },
		"reach: number 0 is NaN, expected a finite one":      func(c *Codebook) { c.Reach = nan },
		"cosine: number 0 is NaN, expected a finite one":     func(c *Codebook) { c.Cosine = nan },
		"children: from 0 to 4294967295, expected 0 to 3":    func(c *Codebook) { c.Children[3] = math.MaxUint32 },
		"children: 5 numbers, expected 1 more than 3 cells":  func(c *Codebook) { c.Children = append(c.Children, 3) },
		"children: 0 numbers, expected 1 more than 3 cells":  func(c *Codebook) { c.Children = nil },
		"children: 4 numbers, expected 1 more than 2 cells":  func(c *Codebook) { c.Cells = c.Cells[:4] },
		"children: from 0 to 3, expected 0 to 2":             func(c *Codebook) { c.Centroids = c.Centroids[:4] },
		"cells: 5 numbers, expected rows of 2":               func(c *Codebook) { c.Cells = c.Cells[:5] },
		"centroids: number 0 is +Inf, expected a finite one": func(c *Codebook) { c.Centroids[0] = float32(math.Inf(1)) },
		"centroids: 6 numbers, expected rows of 4":           func(c *Codebook) { c.Dim = 4 },
	} {
		c := smallCodebook()
		change(c)
		err := WriteCodebook(io.Discard, c)
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, ErrCorrupt)

		_, err = OpenCodebook(written(t, func(b *bytes.Buffer) error { return c.write(b) }))
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, want)
	}
}

func TestTuningRoundTrip(t *testing.T) {
	all := make([]float32, mostShortfalls)
	for _, want := range []*Tuning{
		sampleTuning(),
		{Codebook: math.MaxUint64, IDs: []uint64{}, Centroids: []float32{0}, Skimmed: []float32{}},
		{Codebook: 1, IDs: []uint64{0}, Centroids: all, Skimmed: all},
	} {
		got, err := OpenTuning(written(t, func(b *bytes.Buffer) error { return WriteTuning(b, want) }))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestTuningsThatDoNotFit(t *testing.T) {
	nan, infinite := float32(math.NaN()), float32(math.Inf(1))
	for want, change := range map[string]func(*Tuning){
		"codebook: 0, expected the number of a file":          func(t *Tuning) { t.Codebook = 0 },
		"ids: number 1 is 40 after 40, expected a larger one": func(t *Tuning) { t.IDs[0] = 40 },
		"ids: number 2 is 8 after 40, expected a larger one":  func(t *Tuning) { t.IDs[2] = 8 },
		"centroids: 0 shortfalls, expected 1 to 65535":        func(t *Tuning) { t.Centroids = nil },
		"centroids: 65536 shortfalls, expected 1 to 65535":    func(t *Tuning) { t.Centroids = make([]float32, mostShortfalls+1) },
		"centroids: number 3 is +Inf, expected a finite one":  func(t *Tuning) { t.Centroids[3] = infinite },
		"centroids: number 0 is NaN, expected a finite one":   func(t *Tuning) { t.Centroids[0] = nan },
		"centroids: one is smaller than the one before it":    func(t *Tuning) { t.Centroids[1] = -1 },
		"skimmed: 5 shortfalls, expected 0 to 4":              func(t *Tuning) { t.Skimmed = make([]float32, 5) },
		"skimmed: number 1 is NaN, expected a finite one":     func(t *Tuning) { t.Skimmed[1] = nan },
		"skimmed: one is smaller than the one before it":      func(t *Tuning) { t.Skimmed[0] = 1 },
	} {
		tuning := sampleTuning()
		change(tuning)
		err := WriteTuning(io.Discard, tuning)
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, ErrCorrupt)

		_, err = OpenTuning(written(t, func(b *bytes.Buffer) error { return tuning.write(b) }))
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, want)
	}
}

// TestVersionsBeforeTuningsHaveNone: such a file is damaged, even if all its checksums fit.
func TestVersionsBeforeTuningsHaveNone(t *testing.T) {
	sound := written(t, func(b *bytes.Buffer) error { return WriteTuning(b, sampleTuning()) })
	for _, version := range []uint32{version1, version2} {
		b := resealed(t, KindTuning, sound, func(h *header, _ []entry, f *footer) { h.Version, f.Version = version, version })
		empty := bytes.Clone(b[:headerSize])
		end := decode[footer](b[len(b)-footerSize:])
		end.Offset, end.Length, end.CRC = uint64(headerSize), 0, checksum(nil)
		for _, b := range [][]byte{b, append(empty, encode(end)...)} {
			_, err := OpenTuning(b)
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, fmt.Sprintf("version: %d, which has no tuning", version))
		}
	}
}
