package multivector

import (
	"context"
	"errors"
	"slices"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/format"
)

// head is the parts that are in no file.
func (x *Index) head() []*part {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.files == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(x.parts), func(p *part) bool { return p.file != 0 })
}

// flushHead writes the head to a file when it has grown large.
func (x *Index) flushHead(ctx context.Context) (done bool, err error) {
	head := x.head()
	documents, bytes := 0, 0
	for _, p := range head {
		documents += p.live()
		for row := range p.Documents() {
			bytes += len(p.Document(row).Codes)
		}
	}
	if documents < x.limits.headDocuments && bytes < x.limits.headBytes {
		return false, nil
	}
	return x.write(ctx, head)
}

// merge writes files anew that hold many deleted documents, or rows in another order than
// that of their newest centroids, and small ones together.
func (x *Index) merge(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	var due, small []*part
	for _, p := range x.parts {
		switch {
		case p.file == 0:
		case float64(p.buried.Load()) > x.limits.deadShare*float64(p.Documents()):
			due = append(due, p)
		case p.unordered(x.generation):
			due = append(due, p)
		case p.live() < x.limits.mergeDocuments/2:
			small = append(small, p)
		}
	}
	x.mu.RUnlock()
	if len(small) >= x.limits.smallFiles {
		due = append(due, small...)
	}
	documents := 0
	for i, p := range due {
		if documents += p.live(); documents > x.limits.mergeDocuments && i > 0 {
			due = due[:i]
			break
		}
	}
	return x.write(ctx, due)
}

// write puts the live documents of parts into one file, in place of them.
func (x *Index) write(ctx context.Context, parts []*part) (done bool, err error) {
	if len(parts) == 0 {
		return false, nil
	}
	var written *part
	if slices.ContainsFunc(parts, func(p *part) bool { return p.live() > 0 }) {
		if written, err = x.writeLive(ctx, parts); err != nil {
			return false, err
		}
	}
	x.replace(parts, written)
	for _, p := range parts {
		x.files.remove(format.KindVectors, p.file)
		if c := p.coded.Load(); c != nil {
			x.files.remove(format.KindCodes, c.file)
		}
	}
	for _, p := range parts {
		if c := p.coded.Load(); c != nil {
			x.removeUnneeded(c.generation)
		}
	}
	return true, nil
}

// removeUnneeded removes the file of a codebook that was replaced and that no part
// has codes of any more. It comes after those codes' files: a power cut may keep what
// was removed last, and codes without their codebook would pass for damaged.
func (x *Index) removeUnneeded(g *generation) {
	x.mu.Lock()
	defer x.mu.Unlock()
	needed := g == x.generation || slices.ContainsFunc(x.parts, func(p *part) bool {
		c := p.coded.Load()
		return c != nil && c.generation == g
	})
	if !needed && x.files != nil {
		x.files.remove(format.KindCodebook, g.file)
		g.file = 0
	}
}

// writeLive writes the live documents of parts, and their codes if all are of one
// generation.
func (x *Index) writeLive(ctx context.Context, parts []*part) (*part, error) {
	g := oneGeneration(parts)
	var codes *coded
	// An Add that began before a training may end after the old codebook was removed.
	if g != nil && g.file != 0 {
		codes = newCoded(g)
	}
	written, err := x.files.writeVectors(x.knownDim(), func(yield func(uint64, maxsim.Int8Matrix) bool) {
		for _, p := range parts {
			for row := range p.Documents() {
				if p.dead.has(row) || ctx.Err() != nil || !p.sound(row) {
					continue
				}
				doc := p.Document(row)
				if codes != nil {
					ordered, of := inOrder(doc, p.coded.Load().of(row))
					codes.add(of)
					doc = ordered
				}
				if !yield(p.ID(row), doc) {
					return
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if err = ctx.Err(); err == nil && codes != nil {
		err = x.setCodes(written, codes)
	}
	if err != nil {
		x.files.remove(format.KindVectors, written.file)
		return nil, errors.Join(err, written.Close())
	}
	return written, nil
}

// setCodes gives a part codes, in memory and, if a file holds it, in one of their
// own. They take the place of older ones.
func (x *Index) setCodes(p *part, c *coded) error {
	if err := c.check(); err != nil {
		return err
	}
	if p.file != 0 {
		if err := x.files.writeCodes(p, c); err != nil {
			return err
		}
	}
	if before := p.coded.Swap(c); before != nil && before.file != 0 {
		x.files.remove(format.KindCodes, before.file)
	}
	return nil
}

// oneGeneration is the generation that all parts are coded with, as this program does,
// or nil.
func oneGeneration(parts []*part) *generation {
	var g *generation
	for _, p := range parts {
		c := p.coded.Load()
		if c == nil || g != nil && c.generation != g || !c.tellsRows() {
			return nil
		}
		g = c.generation
	}
	return g
}

// unordered tells whether the rows of a file can be put in the order of their centroids in
// a generation, and are not.
func (p *part) unordered(g *generation) bool {
	c := p.coded.Load()
	return c != nil && c.generation == g && c.tellsRows() && !c.lined
}

// replace puts written in place of parts. What was deleted since it was written is
// deleted in it, too; what it left out is read from the source again.
func (x *Index) replace(parts []*part, written *part) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts = slices.DeleteFunc(slices.Clone(x.parts), func(p *part) bool { return slices.Contains(parts, p) })
	var orphans []uint64
	if written != nil {
		for row := range written.Documents() {
			id := written.ID(row)
			if at, ok := x.where[id]; ok && slices.Contains(parts, at.part) {
				x.where[id] = place{written, row}
			} else {
				written.bury(row)
			}
		}
		x.parts = append(x.parts, written)
	}
	for _, p := range parts {
		for row := range p.Documents() {
			if at, ok := x.where[p.ID(row)]; ok && at.part == p {
				delete(x.where, p.ID(row))
				orphans = append(orphans, p.ID(row))
			}
		}
	}
	x.await(orphans)
	x.publish()
}

func (x *Index) knownDim() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.dim
}
