package format

import (
	"cmp"
	"fmt"
	"io"
	"iter"

	"weaviate-colpali/maxsim"
)

// WriteVectors writes documents, as [maxsim.Quantize] makes them, in one pass. The
// codes go out as they come; 6 bytes a row and 36 a document, 6 KB a page, wait in
// memory until the last document. A caller that cannot go on stops the sequence
// and throws the file away.
func WriteVectors(w io.Writer, dim int, documents iter.Seq2[uint64, maxsim.Int8Matrix]) error {
	if dim < 1 || dim > mostDim {
		return fmt.Errorf("write vectors: %w", misfit("dim", "%d, expected 1 to %d", dim, mostDim))
	}
	out := newWriter(w, KindVectors)
	v := &Vectors{dim: dim, offsets: []uint64{0}}
	if err := v.writeCodes(out, documents); err != nil {
		return err
	}
	if err := v.check(v.offsets[v.Documents()] * uint64(dim)); err != nil {
		return fmt.Errorf("write vectors: %w", err)
	}
	put(out, []uint32{uint32(dim)})
	put(out, v.ids)
	put(out, v.offsets)
	put(out, v.scales)
	put(out, v.residuals)
	put(out, v.norms)
	put(out, v.checksums)
	put(out, v.origins)
	return out.close()
}

// writeCodes writes the codes of all documents, and keeps the rest of them.
func (v *Vectors) writeCodes(out *writer, documents iter.Seq2[uint64, maxsim.Int8Matrix]) error {
	out.begin(widthOf[uint8](), 0)
	for id, document := range documents {
		if err := v.fits(document); err != nil {
			return fmt.Errorf("write vectors: document with the id %d: %w", id, err)
		}
		out.write(document.Codes)
		if out.err != nil {
			return out.err
		}
		v.append(id, document)
	}
	out.end()
	return nil
}

// fits fails unless a document can be one of v.
func (v *Vectors) fits(document maxsim.Int8Matrix) error {
	switch rows := document.Rows(); {
	case document.Dim != v.dim:
		return misfit("dim", "%d, expected %d", document.Dim, v.dim)
	case rows > mostRows:
		return misfit("scales", "%d rows, expected %d or fewer", rows, mostRows)
	case len(document.Codes) != rows*v.dim:
		return misfit(codesSection, "%d bytes, expected %d rows of %d", len(document.Codes), rows, v.dim)
	}
	return cmp.Or(checkScales(document.Scales), checkOrigins(document))
}

func (v *Vectors) append(id uint64, document maxsim.Int8Matrix) {
	v.ids = append(v.ids, id)
	v.scales = append(v.scales, document.Scales...)
	v.offsets = append(v.offsets, uint64(len(v.scales)))
	v.residuals = append(v.residuals, document.Residual)
	v.norms = append(v.norms, document.Norm)
	v.checksums = append(v.checksums, checksumOf(document))
	for row := range document.Rows() {
		v.origins = append(v.origins, document.Origin(row))
	}
}
