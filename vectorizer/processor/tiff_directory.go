package processor

import "encoding/binary"

// tiffDirectory is the first directory of a TIFF, or of the small TIFF that an EXIF block is. The file may be
// one that a decoder accepted, yet nothing here relies on it: what lies outside the file is left out.
type tiffDirectory struct {
	blob    []byte
	order   binary.ByteOrder
	entries map[uint16]tiffEntry
}

// tiffEntry has one or more values, in order, each of size bytes.
type tiffEntry struct {
	size   int
	values []byte
}

// tiffSizes are the bytes of a value: unsigned integers of 8, 16 and 32 bits, and bytes without a meaning.
var tiffSizes = map[uint16]int{1: 1, 3: 2, 4: 4, 7: 1}

// readTIFFDirectory reads what [isTIFF] is true of.
func readTIFFDirectory(blob []byte) tiffDirectory {
	const entryLen, inline = 12, 4
	d := tiffDirectory{blob, binary.LittleEndian, map[uint16]tiffEntry{}}
	if blob[0] == 'M' {
		d.order = binary.BigEndian
	}
	at, ok := d.within(4, 4)
	if !ok {
		return d
	}
	directory := int64(d.order.Uint32(at))
	count, ok := d.within(directory, 2)
	if !ok {
		return d
	}
	for i := range int64(d.order.Uint16(count)) {
		entry, ok := d.within(directory+2+entryLen*i, entryLen)
		if !ok {
			return d
		}
		size := tiffSizes[d.order.Uint16(entry[2:])]
		bytes := int64(size) * int64(d.order.Uint32(entry[4:]))
		values := entry[8:]
		if bytes > inline {
			values, ok = d.within(int64(d.order.Uint32(entry[8:])), bytes)
		}
		if ok && bytes > 0 {
			d.entries[d.order.Uint16(entry)] = tiffEntry{size, values[:bytes]}
		}
	}
	return d
}

// within returns bytes of the file, if it has them.
func (d tiffDirectory) within(from, bytes int64) ([]byte, bool) {
	if from > int64(len(d.blob)) || bytes > int64(len(d.blob))-from {
		return nil, false
	}
	return d.blob[from : from+bytes], true
}

// list returns the values of a tag.
func (d tiffDirectory) list(tag uint16) []uint32 {
	entry, ok := d.entries[tag]
	if !ok {
		return nil
	}
	list := make([]uint32, 0, len(entry.values)/entry.size)
	for values := entry.values; len(values) > 0; values = values[entry.size:] {
		switch entry.size {
		case 1:
			list = append(list, uint32(values[0]))
		case 2:
			list = append(list, uint32(d.order.Uint16(values)))
		case 4:
			list = append(list, d.order.Uint32(values))
		}
	}
	return list
}

// one returns the value of a tag that has a single one, or what it is without.
func (d tiffDirectory) one(tag uint16, without uint32) uint32 {
	if entry := d.entries[tag]; len(entry.values) != entry.size || entry.size == 0 {
		return without
	}
	return d.list(tag)[0]
}
