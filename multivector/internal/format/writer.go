package format

import (
	"encoding/binary"
	"fmt"
	"io"
)

// writer writes one file from front to back, section by section in the order of
// its layout. After an error it writes nothing more, and close returns that error.
type writer struct {
	to       io.Writer
	kind     Kind
	offset   uint64
	contents []entry
	err      error
}

func newWriter(to io.Writer, kind Kind) *writer {
	w := &writer{to: to, kind: kind}
	w.write(encode(header{Magic: magicOf(kind), Version: newest}))
	return w
}

// put writes the next section of the layout.
func put[E element](w *writer, values []E) {
	b := bytesOf(values)
	w.begin(widthOf[E](), checksum(b))
	w.write(b)
	w.end()
}

// begin starts the next section of the layout; writes follow, then end.
func (w *writer) begin(width int, crc uint32) {
	w.pad()
	name := layouts[w.kind][len(w.contents)].name
	w.contents = append(w.contents, entry{Name: padded(name), Width: uint32(width), CRC: crc, Offset: w.offset})
}

func (w *writer) end() {
	last := &w.contents[len(w.contents)-1]
	last.Length = w.offset - last.Offset
}

// close writes the table of contents and the footer.
func (w *writer) close() error {
	w.pad()
	contents := encode(w.contents)
	end := footer{
		Offset: w.offset, Length: uint64(len(contents)), CRC: checksum(contents),
		Version: newest, Magic: magicOf(w.kind),
	}
	w.write(contents)
	w.write(encode(end))
	return w.err
}

func (w *writer) pad() {
	w.write(make([]byte, align(w.offset)-w.offset))
}

func (w *writer) write(b []byte) {
	if w.err != nil || len(b) == 0 {
		return
	}
	n, err := w.to.Write(b)
	w.offset += uint64(n)
	if err != nil {
		w.err = fmt.Errorf("write %s at %d: %w", w.kind, w.offset, err)
	}
}

// encode is a record, or several, as bytes.
func encode(record any) []byte {
	b, err := binary.Append(nil, binary.LittleEndian, record)
	if err != nil {
		panic(err) // the type has no fixed size: no input decides that
	}
	return b
}
