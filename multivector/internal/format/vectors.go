package format

import (
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"weaviate-colpali/maxsim"
)

const (
	mostDim  = math.MaxUint16
	mostRows = math.MaxUint16 // of one document
)

// Vectors is an open file of documents in 8-bit codes. Documents are counted from 0
// in order of insertion.
type Vectors struct {
	dim       int
	codes     []uint8
	ids       []uint64
	offsets   []uint64
	scales    []float32
	residuals []float32
	norms     []float32
	checksums []uint32
	origins   []uint16
	older     bool // than version 3: it has no origins
}

// unknown is the origins of a document in an older file.
var unknown = slices.Repeat([]uint16{maxsim.NoOrigin}, mostRows)

// OpenVectors opens a file of vectors. It does not read the codes: see
// [Vectors.Verify].
func OpenVectors(b []byte) (*Vectors, error) {
	parts, err := open(KindVectors, b)
	if err != nil {
		return nil, err
	}
	v := &Vectors{
		dim:       int(view[uint32](parts["dim"].bytes)[0]),
		codes:     parts[codesSection].bytes,
		ids:       view[uint64](parts["ids"].bytes),
		offsets:   view[uint64](parts["offsets"].bytes),
		scales:    view[float32](parts["scales"].bytes),
		residuals: view[float32](parts["residuals"].bytes),
		norms:     view[float32](parts["norms"].bytes),
		checksums: view[uint32](parts["checksums"].bytes),
		origins:   view[uint16](parts["origins"].bytes),
		older:     versionOf(b) < version3,
	}
	if err := v.check(uint64(len(v.codes))); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return v, nil
}

// Documents is how many documents there are.
func (v *Vectors) Documents() int { return len(v.ids) }

// Dim is the number of dimensions.
func (v *Vectors) Dim() int { return v.dim }

// ID is the id of document i.
func (v *Vectors) ID(i int) uint64 { return v.ids[i] }

// Document is the rows of document i, where they lie in the file.
func (v *Vectors) Document(i int) maxsim.Int8Matrix {
	first, end := int(v.offsets[i]), int(v.offsets[i+1])
	origins := unknown[: end-first : end-first]
	if !v.older {
		origins = v.origins[first:end:end]
	}
	return maxsim.Int8Matrix{
		Codes:    v.codes[first*v.dim : end*v.dim : end*v.dim],
		Scales:   v.scales[first:end:end],
		Origins:  origins,
		Dim:      v.dim,
		Residual: v.residuals[i],
		Norm:     v.norms[i],
	}
}

// Range is where the codes of document i lie in the file, in bytes: what is worth
// fetching before it is scored.
func (v *Vectors) Range(i int) (offset, length int) {
	first, end := int(v.offsets[i]), int(v.offsets[i+1])
	return headerSize + first*v.dim, (end - first) * v.dim
}

// Verify reads document i and compares it with its checksum.
func (v *Vectors) Verify(i int) error {
	document := v.Document(i)
	if got := checksumOf(document); got != v.checksums[i] {
		return corrupt(codesSection, "document %d has the CRC-32C %08x, expected %08x", i, got, v.checksums[i])
	}
	if err := checkScales(document.Scales); err != nil {
		return fmt.Errorf("%w: document %d: %w", ErrCorrupt, i, err)
	}
	if err := checkOrigins(document); err != nil {
		return fmt.Errorf("%w: document %d: %w", ErrCorrupt, i, err)
	}
	return nil
}

func checksumOf(document maxsim.Int8Matrix) uint32 {
	return crc32.Update(checksum(document.Codes), castagnoli, bytesOf(document.Scales))
}

// check fails unless the sections fit together and, in bytes, the codes.
func (v *Vectors) check(codes uint64) error {
	if v.dim < 1 || v.dim > mostDim {
		return misfit("dim", "%d, expected 1 to %d", v.dim, mostDim)
	}
	if rows := uint64(len(v.scales)); codes%uint64(v.dim) != 0 || codes/uint64(v.dim) != rows {
		return misfit(codesSection, "%d bytes, expected %d rows of %d", codes, rows, v.dim)
	}
	if len(v.origins) != len(v.scales) && !v.older {
		return misfit("origins", "%d, expected %d as there are scales", len(v.origins), len(v.scales))
	}
	if err := v.checkCounts(); err != nil {
		return err
	}
	if err := v.checkOffsets(); err != nil {
		return err
	}
	if err := v.checkBounds(); err != nil {
		return err
	}
	return checkUnique(v.ids)
}

func (v *Vectors) checkCounts() error {
	for _, section := range []struct {
		name  string
		count int
		of    int
	}{
		{"offsets", len(v.offsets), v.Documents() + 1},
		{"residuals", len(v.residuals), v.Documents()},
		{"norms", len(v.norms), v.Documents()},
		{"checksums", len(v.checksums), v.Documents()},
	} {
		if section.count != section.of {
			return misfit(section.name, "%d numbers, expected %d for %d documents", section.count, section.of, v.Documents())
		}
	}
	return nil
}

func (v *Vectors) checkOffsets() error {
	if v.offsets[0] != 0 {
		return misfit("offsets", "the first is %d, expected 0", v.offsets[0])
	}
	for i := range v.Documents() {
		first, end := v.offsets[i], v.offsets[i+1]
		if end < first || end-first > mostRows {
			return misfit("offsets", "document %d has rows %d to %d, expected 0 to %d rows", i, first, end, mostRows)
		}
	}
	if last := v.offsets[v.Documents()]; last != uint64(len(v.scales)) {
		return misfit("offsets", "the last is %d, expected %d as there are scales", last, len(v.scales))
	}
	return nil
}

// checkBounds looks at what the error bound of a score is made of: with a negative
// number or NaN among it, an answer would be called exact that is not.
func (v *Vectors) checkBounds() error {
	for i := range v.Documents() {
		if !(v.residuals[i] >= 0) {
			return misfit("residuals", "document %d has %g, expected 0 or more", i, v.residuals[i])
		}
		if !(v.norms[i] >= 0) {
			return misfit("norms", "document %d has %g, expected 0 or more", i, v.norms[i])
		}
	}
	return nil
}

// checkScales fails unless scales are as [maxsim.Quantize] makes them.
func checkScales(scales []float32) error {
	for row, scale := range scales {
		if scale < 0 || scale > math.MaxFloat32 {
			return misfit("scales", "row %d has %g, expected NaN or finite and 0 or more", row, scale)
		}
	}
	return nil
}

// checkOrigins fails unless all rows of a document are of unknown origin, or come from one
// row of its own each.
func checkOrigins(document maxsim.Int8Matrix) error {
	rows := document.Rows()
	switch {
	case document.Origins == nil:
		return nil
	case len(document.Origins) != rows:
		return misfit("origins", "%d, expected %d as there are scales", len(document.Origins), rows)
	case !slices.ContainsFunc(document.Origins, func(origin uint16) bool { return origin != maxsim.NoOrigin }):
		return nil
	}
	var seen [(mostRows + 63) / 64]uint64
	for row, origin := range document.Origins {
		if int(origin) >= rows || seen[origin/64]>>(origin%64)&1 != 0 {
			return misfit("origins", "row %d has %d, expected each of %d rows once, or %d for all", row, origin, rows, maxsim.NoOrigin)
		}
		seen[origin/64] |= 1 << (origin % 64)
	}
	return nil
}

// checkUnique fails if an id is there twice. Ids mostly ascend: then no sorted copy
// is needed.
func checkUnique(ids []uint64) error {
	if !slices.IsSorted(ids) {
		ids = slices.Clone(ids)
		slices.Sort(ids)
	}
	for i := 1; i < len(ids); i++ {
		if ids[i-1] == ids[i] {
			return misfit("ids", "two documents have the id %d", ids[i])
		}
	}
	return nil
}
