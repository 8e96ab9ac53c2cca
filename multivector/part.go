package multivector

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"weaviate-colpali/maxsim"
)

// documents are multi-vectors in 8-bit codes, in memory or in a mapped file. They
// never change.
type documents interface {
	Documents() int
	Dim() int
	ID(i int) uint64
	Document(i int) maxsim.Int8Matrix
	// Verify fails when a document is not what was written.
	Verify(i int) error
	// WillNeed says that a document is about to be read.
	WillNeed(i int)
	// Close gives back the memory. Nothing of the documents may be used then.
	Close() error
}

// part is documents that came together, with what is known of them since.
type part struct {
	documents
	file   uint64 // number of the file that holds them, 0: none does
	dead   bitset // deleted
	buried atomic.Int64

	// checked and damaged are what Verify said; a document in neither has not been
	// asked about.
	checked, damaged bitset

	// coded is the documents' centroids, nil until they are known.
	coded atomic.Pointer[coded]

	refs atomic.Int64 // snapshots that hold it

	// mappings is what codes of its documents lie in, those that were replaced, too: a
	// search may still read them.
	mu       sync.Mutex
	mappings []io.Closer
}

func newPart(d documents, file uint64) *part {
	n := d.Documents()
	return &part{documents: d, file: file, dead: newBitset(n), checked: newBitset(n), damaged: newBitset(n)}
}

// keep has a mapping closed with the part.
func (p *part) keep(mapping io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mappings = append(p.mappings, mapping)
}

// Close gives back the memory of the documents and of their codes.
func (p *part) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.documents.Close()
	for _, mapping := range p.mappings {
		err = errors.Join(err, mapping.Close())
	}
	p.mappings = nil
	return err
}

// bury marks a document as deleted.
func (p *part) bury(row int) {
	if p.dead.set(row) {
		p.buried.Add(1)
	}
}

// live is how many documents are not deleted.
func (p *part) live() int { return p.Documents() - int(p.buried.Load()) }

// sound reports whether a document can be trusted. Bytes of a file are compared
// with their checksum when they are first read: 133 KB a page take 10 µs, to read
// all of them when the index opens would take as long as the disk needs.
func (p *part) sound(row int) bool {
	if p.checked.has(row) {
		return !p.damaged.has(row)
	}
	if p.Verify(row) != nil {
		p.damaged.set(row)
	}
	p.checked.set(row)
	return !p.damaged.has(row)
}

// inMemory is documents that were added and are in no file yet.
type inMemory struct {
	ids     []uint64
	vectors []maxsim.Int8Matrix
}

func (m *inMemory) Documents() int                   { return len(m.ids) }
func (m *inMemory) Dim() int                         { return m.vectors[0].Dim }
func (m *inMemory) ID(i int) uint64                  { return m.ids[i] }
func (m *inMemory) Document(i int) maxsim.Int8Matrix { return m.vectors[i] }
func (m *inMemory) Verify(int) error                 { return nil }
func (m *inMemory) WillNeed(int)                     {}
func (m *inMemory) Close() error                     { return nil }
