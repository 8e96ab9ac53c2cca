package format

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// resealed is a file after changes to its ends and its table of contents, with
// checksums that fit them.
func resealed(t testing.TB, kind Kind, b []byte, change func(begin *header, contents []entry, end *footer)) []byte {
	t.Helper()
	b = bytes.Clone(b)
	begin, end := decode[header](b), decode[footer](b[len(b)-footerSize:])
	contents, err := readContents(kind, b)
	require.NoError(t, err)
	change(&begin, contents, &end)
	table := encode(contents)
	copy(b[len(b)-footerSize-len(table):], table)
	end.CRC = checksum(table)
	copy(b, encode(begin))
	copy(b[len(b)-footerSize:], encode(end))
	return b
}

func TestOpenSaysWhatDoesNotFit(t *testing.T) {
	sound := written(t, func(b *bytes.Buffer) error { return WriteCodes(b, sampleCodes()) })
	for want, change := range map[string]func(*header, []entry, *footer){
		`header: magic "PLAIDcodebook`:                         func(h *header, _ []entry, _ *footer) { h.Magic = magicOf(KindCodebook) },
		`footer: magic "PLAIDcodebook`:                         func(_ *header, _ []entry, f *footer) { f.Magic = magicOf(KindCodebook) },
		"footer: version 3, expected 1 as in the header":       func(h *header, _ []entry, _ *footer) { h.Version = 1 },
		"version: 0, expected 1 to 3":                          func(h *header, _ []entry, f *footer) { h.Version, f.Version = 0, 0 },
		"header: bytes that fill up are not 0":                 func(h *header, _ []entry, _ *footer) { h.Zero[43] = 1 },
		"footer: a table of contents of 280 bytes at 0":        func(_ *header, _ []entry, f *footer) { f.Offset = 0 },
		"footer: a table of contents of 80 bytes at 512":       func(_ *header, _ []entry, f *footer) { f.Length = 80 },
		`vectors: the section is named "documents`:             func(_ *header, e []entry, _ *footer) { e[0].Name = padded("documents") },
		"vectors: elements of 4 bytes, expected u64":           func(_ *header, e []entry, _ *footer) { e[0].Width = 4 },
		"vectors: elements of 0 bytes, expected u64":           func(_ *header, e []entry, _ *footer) { e[0].Width = 0 },
		"ids: elements of 8 bytes, expected u16 or u32":        func(_ *header, e []entry, _ *footer) { e[4].Width = 8 },
		"codebook: offset 64, expected 128":                    func(_ *header, e []entry, _ *footer) { e[1].Offset = 64 },
		"ids: 400 bytes at 320, expected an end at or before ": func(_ *header, e []entry, _ *footer) { e[4].Length = 400 },
		"ids: 18446744073709551615 bytes at 320, expected an ": func(_ *header, e []entry, _ *footer) { e[4].Length = 1<<64 - 1 },
		"offsets: 15 bytes, expected whole elements of 4":      func(_ *header, e []entry, _ *footer) { e[3].Length = 15 },
		"vectors: 0 elements, expected 1":                      func(_ *header, e []entry, _ *footer) { e[0].Length = 0 },
		"vectors: 2 elements, expected 1":                      func(_ *header, e []entry, _ *footer) { e[0].Length = 16 },
		"footer: a table of contents at 512, expected 448":     func(_ *header, e []entry, _ *footer) { e[6].Length = 0 },
		"ids: CRC-32C": func(_ *header, e []entry, _ *footer) { e[4].CRC++ },
	} {
		_, err := OpenCodes(resealed(t, KindCodes, sound, change))
		require.ErrorIs(t, err, ErrCorrupt, want)
		require.ErrorContains(t, err, want)
	}
	for _, length := range []int{0, 1, headerSize, headerSize + footerSize, headerSize + footerSize + 1} {
		_, err := OpenCodes(append(bytes.Clone(sound[:headerSize]), sound[len(sound)-footerSize:]...)[:min(length, headerSize+footerSize)])
		require.ErrorIs(t, err, ErrCorrupt)
	}
}

// TestNewerVersionsAreRefused, and by ErrVersion only: such a file is not damaged.
func TestNewerVersionsAreRefused(t *testing.T) {
	for name, b := range sampleFiles(t) {
		_, kind, _ := ParseFileName(name)
		b = resealed(t, kind, b, func(h *header, _ []entry, f *footer) { h.Version, f.Version = 7, 7 })
		err := openAndVerify(name, b)
		require.ErrorIs(t, err, ErrVersion, name)
		require.NotErrorIs(t, err, ErrCorrupt, name)
		require.ErrorContains(t, err, "its format is 7, this program reads up to 3")
	}
}

func TestSectionsBeginOnMultiplesOf64(t *testing.T) {
	for name, b := range sampleFiles(t) {
		_, kind, _ := ParseFileName(name)
		contents, err := readContents(kind, b)
		require.NoError(t, err)
		for _, e := range contents {
			require.Zero(t, e.Offset%64, "%s: %s", name, e.Name)
		}
		require.Equal(t, uint32(newest), binary.LittleEndian.Uint32(b[16:]), "the first 20 bytes are the same in every version")
		require.Equal(t, uint32(newest), binary.LittleEndian.Uint32(b[len(b)-20:]), "the last 20 bytes are the same in every version")
	}
}
