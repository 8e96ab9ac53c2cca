package format

import (
	"cmp"
	"fmt"
	"io"
	"math"

	"weaviate-colpali/maxsim"
)

// Codes is the centroids of the documents of one vectors file, as
// [maxsim.NewCodes] takes them.
type Codes struct {
	Vectors   uint64 // number of the vectors file
	Codebook  uint64 // number of the codebook file
	Centroids int    // of the codebook

	Offsets []uint32 // the ids of document i are those from Offsets[i] to Offsets[i+1]
	IDs16   []uint16 // all ids where there are up to 65,536 centroids
	IDs32   []uint32 // all ids where there are more

	// Of each id, how many rows of its document are nearest to its centroid, and their
	// numbers, one id's after the other's. Files of version 1 have none.
	Counts []uint16
	Rows   []uint16
}

// narrow tells whether the ids of so many centroids are IDs16.
func narrow(centroids int) bool { return centroids <= math.MaxUint16+1 }

// OpenCodes opens a file of codes.
func OpenCodes(b []byte) (*Codes, error) {
	parts, err := open(KindCodes, b)
	if err != nil {
		return nil, err
	}
	c := &Codes{
		Vectors:   view[uint64](parts["vectors"].bytes)[0],
		Codebook:  view[uint64](parts["codebook"].bytes)[0],
		Centroids: int(view[uint32](parts["centroids"].bytes)[0]),
		Offsets:   view[uint32](parts["offsets"].bytes),
	}
	switch ids := parts["ids"]; int(ids.width) {
	case widthOf[uint16]():
		c.IDs16 = view[uint16](ids.bytes)
	default:
		c.IDs32 = view[uint32](ids.bytes)
	}
	err = c.check()
	if versionOf(b) >= version2 {
		c.Counts, c.Rows = view[uint16](parts["counts"].bytes), view[uint16](parts["rows"].bytes)
		err = cmp.Or(err, c.checkRows())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return c, nil
}

// WriteCodes writes a file of codes.
func WriteCodes(w io.Writer, c *Codes) error {
	if err := cmp.Or(c.check(), c.checkRows()); err != nil {
		return fmt.Errorf("write codes: %w", err)
	}
	return c.write(w)
}

func (c *Codes) write(w io.Writer) error {
	out := newWriter(w, KindCodes)
	put(out, []uint64{c.Vectors})
	put(out, []uint64{c.Codebook})
	put(out, []uint32{uint32(c.Centroids)})
	put(out, c.Offsets)
	if narrow(c.Centroids) {
		put(out, c.IDs16)
	} else {
		put(out, c.IDs32)
	}
	put(out, c.Counts)
	put(out, c.Rows)
	return out.close()
}

func (c *Codes) check() error {
	switch {
	case c.Vectors == 0:
		return misfit("vectors", "0, expected the number of a file")
	case c.Codebook == 0:
		return misfit("codebook", "0, expected the number of a file")
	case c.Centroids < 1 || int64(c.Centroids) > math.MaxUint32:
		return misfit("centroids", "%d, expected 1 to %d", c.Centroids, uint32(math.MaxUint32))
	case narrow(c.Centroids) && c.IDs32 != nil:
		return misfit("ids", "those of 4 bytes, expected 2 for %d centroids", c.Centroids)
	case !narrow(c.Centroids) && c.IDs16 != nil:
		return misfit("ids", "those of 2 bytes, expected 4 for %d centroids", c.Centroids)
	}
	if narrow(c.Centroids) {
		return checkCodes(c.IDs16, c)
	}
	return checkCodes(c.IDs32, c)
}

// checkRows fails unless the counts fit the ids and the rows. That no row is behind the
// end of its document only the vectors can tell.
func (c *Codes) checkRows() error {
	if ids := len(c.IDs16) + len(c.IDs32); len(c.Counts) != ids {
		return misfit("counts", "%d, expected one for each of %d ids", len(c.Counts), ids)
	}
	sum := 0
	for _, count := range c.Counts {
		sum += int(count)
	}
	if sum != len(c.Rows) {
		return misfit("rows", "%d, expected %d as counted", len(c.Rows), sum)
	}
	return nil
}

func checkCodes[ID uint16 | uint32](ids []ID, c *Codes) error {
	if _, err := maxsim.NewCodes(ids, c.Offsets, c.Centroids); err != nil {
		return fmt.Errorf("offsets or ids: %w", err)
	}
	return nil
}
