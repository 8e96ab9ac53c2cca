package format

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// part is a section of a file.
type part struct {
	bytes []byte
	width uint32
}

// open verifies the bytes of a file and returns its sections by their names.
func open(kind Kind, b []byte) (map[string]part, error) {
	b = aligned(b)
	contents, err := readContents(kind, b)
	if err != nil {
		return nil, err
	}
	parts := map[string]part{}
	end := uint64(headerSize)
	for i, s := range sections(kind, versionOf(b)) {
		if err := verifySection(b, end, s.name, contents[i]); err != nil {
			return nil, err
		}
		end = contents[i].Offset + contents[i].Length
		parts[s.name] = part{bytes: b[contents[i].Offset:end:end], width: contents[i].Width}
	}
	return parts, zeros(b[end:align(end)], "table of contents")
}

// readContents reads and verifies the header, the footer and the table of contents.
// Sections that it returns lie in b, in order, and are whole elements.
func readContents(kind Kind, b []byte) ([]entry, error) {
	if least := headerSize + footerSize; len(b) < least {
		return nil, corrupt("header", "the file has %d bytes, expected %d or more", len(b), least)
	}
	end := decode[footer](b[len(b)-footerSize:])
	if err := verifyEnds(kind, decode[header](b), end); err != nil {
		return nil, err
	}
	sections := sections(kind, end.Version)
	length := uint64(len(sections) * entrySize)
	stop := uint64(len(b) - footerSize)
	if end.Length != length || stop < length || end.Offset != stop-length {
		return nil, corrupt("footer", "a table of contents of %d bytes at %d, expected %d bytes that end at %d", end.Length, end.Offset, length, stop)
	}
	table := b[end.Offset:stop]
	if got := checksum(table); got != end.CRC {
		return nil, corrupt("table of contents", "CRC-32C %08x, expected %08x", got, end.CRC)
	}
	contents := make([]entry, 0, len(sections))
	for line := range slices.Chunk(table, entrySize) {
		contents = append(contents, decode[entry](line))
	}
	return contents, verifyContents(sections, contents, end.Offset)
}

// verifyEnds compares the two ends of a file with each other and with the kind. The
// version is looked at last, when both ends agree that it is one.
func verifyEnds(kind Kind, begin header, end footer) error {
	magic := magicOf(kind)
	switch {
	case begin.Magic != magic:
		return corrupt("header", "magic %q, expected %q", begin.Magic, magic)
	case end.Magic != magic:
		return corrupt("footer", "magic %q, expected %q", end.Magic, magic)
	case begin.Version != end.Version:
		return corrupt("footer", "version %d, expected %d as in the header", end.Version, begin.Version)
	}
	if err := knownVersion(kind, begin.Version); err != nil {
		return err
	}
	return zeros(begin.Zero[:], "header")
}

// versionOf is the version of a file whose ends were verified.
func versionOf(b []byte) uint32 { return decode[header](b).Version }

// verifyContents compares the table of contents with the layout of the kind. Only
// the lengths of sections are free, so each has one place where it can be.
func verifyContents(sections []section, contents []entry, stop uint64) error {
	end := uint64(headerSize)
	for i, s := range sections {
		e := contents[i]
		switch {
		case e.Name != padded(s.name):
			return corrupt(s.name, "the section is named %q", e.Name)
		case !slices.Contains(widths[s.element], e.Width):
			return corrupt(s.name, "elements of %d bytes, expected %s", e.Width, s.element)
		case e.Offset != align(end):
			return corrupt(s.name, "offset %d, expected %d", e.Offset, align(end))
		case e.Offset > stop || e.Length > stop-e.Offset:
			return corrupt(s.name, "%d bytes at %d, expected an end at or before %d", e.Length, e.Offset, stop)
		case e.Length%uint64(e.Width) != 0:
			return corrupt(s.name, "%d bytes, expected whole elements of %d", e.Length, e.Width)
		case s.count == "1" && e.Length != uint64(e.Width):
			return corrupt(s.name, "%d elements, expected 1", e.Length/uint64(e.Width))
		}
		end = e.Offset + e.Length
	}
	if align(end) != stop {
		return corrupt("footer", "a table of contents at %d, expected %d", stop, align(end))
	}
	return nil
}

// verifySection compares a section with its CRC, and what fills up the bytes between the
// end of the section before it and its own beginning with zeros.
func verifySection(b []byte, before uint64, name string, e entry) error {
	if err := zeros(b[before:e.Offset], name); err != nil {
		return err
	}
	var got uint32
	if name != codesSection {
		got = checksum(b[e.Offset : e.Offset+e.Length])
	}
	if got != e.CRC {
		return corrupt(name, "CRC-32C %08x, expected %08x", got, e.CRC)
	}
	return nil
}

func zeros(padding []byte, section string) error {
	if len(bytes.Trim(padding, "\x00")) != 0 {
		return corrupt(section, "bytes that fill up are not 0, as expected")
	}
	return nil
}

// decode reads a record from the beginning of b, which is long enough.
func decode[Record any](b []byte) (record Record) {
	if _, err := binary.Decode(b, binary.LittleEndian, &record); err != nil {
		panic(err) // the caller compared the lengths
	}
	return record
}
