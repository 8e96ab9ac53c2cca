package multivector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"sync/atomic"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
	"weaviate-colpali/multivector/internal/format"
	"weaviate-colpali/multivector/internal/vfs"
)

// files is the directory of an index. Every file is written whole, made durable,
// given its name, and never changed. Which documents live is not written down: the
// source knows, and an index that opens asks it.
type files struct {
	fs   vfs.FS
	last atomic.Uint64 // the largest number of a file so far

	sizes    sizes
	setAside int // damaged files; only counted while the index opens
}

// write makes a new file.
func (f *files) write(kind format.Kind, write func(w io.Writer) error) (number uint64, err error) {
	number = f.last.Add(1)
	name := format.FileName(number, kind)
	var written counter
	err = vfs.WriteFile(f.fs, name, func(w io.Writer) error { return write(io.MultiWriter(w, &written)) })
	if err != nil {
		return 0, err
	}
	f.sizes.set(name, int64(written))
	return number, nil
}

// remove takes files away that nothing needs any more. What cannot be removed now
// is when the index opens the next time.
func (f *files) remove(kind format.Kind, number uint64) {
	if number != 0 {
		name := format.FileName(number, kind)
		_ = f.fs.Remove(name)
		f.sizes.forget(name)
	}
}

// writeVectors writes documents and opens what was written.
func (f *files) writeVectors(dim int, documents iter.Seq2[uint64, maxsim.Int8Matrix]) (*part, error) {
	number, err := f.write(format.KindVectors, func(w io.Writer) error { return format.WriteVectors(w, dim, documents) })
	if err != nil {
		return nil, err
	}
	p, err := f.openVectors(number)
	if err != nil {
		f.remove(format.KindVectors, number)
		return nil, fmt.Errorf("open what was written: %w", err)
	}
	return p, nil
}

// openVectors opens a file of vectors as a part.
func (f *files) openVectors(number uint64) (*part, error) {
	name := format.FileName(number, format.KindVectors)
	mapping, err := f.fs.Map(name)
	if err != nil {
		return nil, err
	}
	f.sizes.set(name, int64(len(mapping.Bytes())))
	var vectors *format.Vectors
	if fault := vfs.Guard(func() { vectors, err = format.OpenVectors(mapping.Bytes()) }); fault != nil {
		err = fault
	}
	if err != nil {
		return nil, errors.Join(err, mapping.Close())
	}
	return newPart(&mapped{vectors, mapping}, number), nil
}

// mapped is documents in a mapped file.
type mapped struct {
	*format.Vectors
	mapping vfs.Mapping
}

func (m *mapped) WillNeed(i int) { m.mapping.WillNeed(m.Range(i)) }
func (m *mapped) Close() error   { return m.mapping.Close() }

// writeCodes writes the codes of a part that a file holds.
func (f *files) writeCodes(p *part, c *coded) error {
	number, err := f.write(format.KindCodes, func(w io.Writer) error {
		return format.WriteCodes(w, &format.Codes{
			Vectors: p.file, Codebook: c.generation.file, Centroids: c.generation.centroids.Rows(),
			Offsets: c.offsets, IDs16: c.narrow, IDs32: c.wide, Counts: c.counts, Rows: c.rows,
		})
	})
	if err != nil {
		return err
	}
	stored, mapping, err := f.openCodes(number)
	if err != nil {
		f.remove(format.KindCodes, number)
		return fmt.Errorf("open what was written: %w", err)
	}
	p.keep(mapping)
	c.file, c.counts, c.rows = number, stored.Counts, stored.Rows
	return nil
}

// openCodes opens a file of codes. Counts and rows stay in the mapping; what every search
// reads is copied into memory.
func (f *files) openCodes(number uint64) (stored *format.Codes, mapping vfs.Mapping, err error) {
	name := format.FileName(number, format.KindCodes)
	if mapping, err = f.fs.Map(name); err != nil {
		return nil, nil, err
	}
	f.sizes.set(name, int64(len(mapping.Bytes())))
	if fault := vfs.Guard(func() { stored, err = format.OpenCodes(mapping.Bytes()) }); fault != nil {
		err = fault
	}
	if err != nil {
		return nil, nil, errors.Join(err, mapping.Close())
	}
	stored.Offsets = slices.Clone(stored.Offsets)
	stored.IDs16, stored.IDs32 = slices.Clone(stored.IDs16), slices.Clone(stored.IDs32)
	return stored, mapping, nil
}

// read reads a small file into memory.
func (f *files) read(name string) ([]byte, error) {
	r, err := f.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b := make([]byte, r.Size())
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	f.sizes.set(name, r.Size())
	return b, nil
}

func (f *files) writeGeneration(g *generation) error {
	parts := g.codebook.Parts()
	number, err := f.write(format.KindCodebook, func(w io.Writer) error {
		return format.WriteCodebook(w, &format.Codebook{
			Dim: parts.Centroids.Dim, Centroids: parts.Centroids.Data, Cells: parts.Cells.Data, Children: parts.Offsets,
			Reach: parts.Reach, Cosine: parts.MeanCosine, Documents: uint64(g.documents),
		})
	})
	g.file = number
	return err
}

func (f *files) openGeneration(number uint64) (*generation, error) {
	b, err := f.read(format.FileName(number, format.KindCodebook))
	if err != nil {
		return nil, err
	}
	stored, err := format.OpenCodebook(b)
	if err != nil {
		return nil, err
	}
	book, err := codebook.FromParts(codebook.Parts{
		Cells:      maxsim.Matrix{Data: stored.Cells, Dim: stored.Dim},
		Centroids:  maxsim.Matrix{Data: stored.Centroids, Dim: stored.Dim},
		Offsets:    stored.Children,
		Reach:      stored.Reach,
		MeanCosine: stored.Cosine,
	})
	if err != nil {
		return nil, err
	}
	return newGeneration(book, int(stored.Documents), number), nil
}

func (f *files) writeTuning(t tuning) (number uint64, err error) {
	return f.write(format.KindTuning, func(w io.Writer) error {
		return format.WriteTuning(w, &format.Tuning{
			Codebook: t.generation.file, IDs: t.unwritten, Centroids: t.shortfalls.centroids, Skimmed: t.shortfalls.skimmed,
		})
	})
}

func (f *files) openTuning(number uint64) (*format.Tuning, error) {
	b, err := f.read(format.FileName(number, format.KindTuning))
	if err != nil {
		return nil, err
	}
	return format.OpenTuning(b)
}

// list is the numbers of the files of each kind, and what else lies there.
func (f *files) list() (numbers map[format.Kind][]uint64, others []string, err error) {
	names, err := f.fs.List(".")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	numbers = map[format.Kind][]uint64{}
	for _, name := range names {
		number, kind, ok := format.ParseFileName(name)
		if !ok {
			others = append(others, name)
			continue
		}
		numbers[kind] = append(numbers[kind], number)
		f.last.Store(max(f.last.Load(), number))
	}
	return numbers, others, nil
}
