package format

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// header begins a file. Its first 20 bytes are the same in every version.
type header struct {
	Magic   [16]byte // "PLAID" and the kind, filled up with zeros
	Version uint32
	Zero    [44]byte
}

// entry is one line of the table of contents.
type entry struct {
	Name   [16]byte // filled up with zeros
	Width  uint32   // bytes an element
	CRC    uint32   // CRC-32C of the section, 0 where documents have their own
	Offset uint64   // a multiple of 64
	Length uint64   // bytes
}

// footer ends a file. Its last 20 bytes are the same in every version.
type footer struct {
	Offset  uint64 // of the table of contents
	Length  uint64 // of the table of contents, in bytes
	CRC     uint32 // CRC-32C of the table of contents
	Version uint32
	Magic   [16]byte
}

var (
	headerSize = binary.Size(header{})
	entrySize  = binary.Size(entry{})
	footerSize = binary.Size(footer{})
)

// alignment of sections: a cache line, and what loads of AVX-512 want.
const alignment = 64

func align(offset uint64) uint64 { return (offset + alignment - 1) / alignment * alignment }

// castagnoli is CRC-32C, for which processors have an instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// section is what a section of a kind holds. A number is a section of one element.
type section struct {
	name    string
	element string
	count   string // in the letters of FORMAT.md
	meaning string
	since   uint32 // the version that brought it, 0: the first
}

// codesSection is the only section without a CRC of its own.
const codesSection = "codes"

// sections are those of a kind in a version, in the order in which they stand: none where
// no file of the kind can be of that version.
func sections(kind Kind, version uint32) []section {
	return slices.DeleteFunc(slices.Clone(layouts[kind]), func(s section) bool { return s.since > version })
}

// layouts are the sections of each kind in the newest version, in the order in which they
// stand.
var layouts = map[Kind][]section{
	KindVectors: {
		{name: codesSection, element: "u8", count: "T x dim", meaning: "numbers of all rows in 8 bits: code c is (c-128) x scale"},
		{name: "dim", element: "u32", count: "1", meaning: "dimensions of a row"},
		{name: "ids", element: "u64", count: "D", meaning: "document ids in order of insertion, each once"},
		{name: "offsets", element: "u64", count: "D+1", meaning: "first row of each document, then T"},
		{name: "scales", element: "f32", count: "T", meaning: "scale of each row, NaN for a row that is not finite"},
		{name: "residuals", element: "f32", count: "D", meaning: "largest distance of a row from what its codes stand for"},
		{name: "norms", element: "f32", count: "D", meaning: "largest norm of what the codes of a row stand for"},
		{name: "checksums", element: "u32", count: "D", meaning: "CRC-32C of each document's codes, then scales"},
		{name: "origins", element: "u16", count: "T", meaning: "which row of the stored document each row is, 65535 for all of one where that is unknown", since: version3},
	},
	KindCodes: {
		{name: "vectors", element: "u64", count: "1", meaning: "number of the vectors file"},
		{name: "codebook", element: "u64", count: "1", meaning: "number of the codebook file"},
		{name: "centroids", element: "u32", count: "1", meaning: "centroids of the codebook, K"},
		{name: "offsets", element: "u32", count: "D+1", meaning: "first id of each document, then N"},
		{name: "ids", element: "u16 or u32", count: "N", meaning: "centroids of each document; u16 for 65,536 centroids or fewer"},
		{name: "counts", element: "u16", count: "N", meaning: "rows of its document that are nearest to each id's centroid", since: version2},
		{name: "rows", element: "u16", count: "R", meaning: "numbers of these rows, those of the first id, of the next, ...", since: version2},
	},
	KindCodebook: {
		{name: "dim", element: "u32", count: "1", meaning: "dimensions of a centroid"},
		{name: "centroids", element: "f32", count: "K x dim", meaning: "centroids, those of a cell side by side"},
		{name: "cells", element: "f32", count: "C x dim", meaning: "coarse cells"},
		{name: "children", element: "u32", count: "C+1", meaning: "first centroid of each cell, then K"},
		{name: "reach", element: "f32", count: "1", meaning: "how far below the cosine of a row's nearest cell others are searched"},
		{name: "cosine", element: "f32", count: "1", meaning: "mean cosine of the training sample to its centroids"},
		{name: "documents", element: "u64", count: "1", meaning: "documents when the training began"},
	},
	KindTuning: {
		{name: "codebook", element: "u64", count: "1", meaning: "number of the codebook file", since: version3},
		{name: "ids", element: "u64", count: "D", meaning: "ids of the documents that there were, ascending", since: version3},
		{name: "centroids", element: "f32", count: "S", meaning: "how far the centroids' estimates of results fell short, ascending", since: version3},
		{name: "skimmed", element: "f32", count: "S or fewer", meaning: "how far results that can be skimmed fell short after it, ascending", since: version3},
	},
}

// widths of elements in bytes.
var widths = map[string][]uint32{
	"u8": {1}, "u16": {2}, "u16 or u32": {2, 4}, "u32": {4}, "f32": {4}, "u64": {8},
}

// padded is a name in a field of 16 bytes.
func padded(name string) (field [16]byte) {
	copy(field[:], name)
	return field
}

func magicOf(kind Kind) [16]byte { return padded("PLAID" + string(kind)) }
