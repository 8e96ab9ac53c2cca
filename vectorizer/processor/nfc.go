package processor

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// nfc composes a text as the tokenizers library 0.22.2 does. Its crate differs from
// golang.org/x/text in three ways: it knows no combining mark and no composite that came after
// Unicode 9, it never breaks a long run of marks, where x/text inserts U+034F after thirty, and it
// has no wrong composites (see composePair).
//
// What x/text finds normal the library leaves alone, too: a mark that is a letter to it only cuts a
// run of marks in two. The rest takes the textbook's three steps, with the tables of x/text.
func nfc(text string) string {
	if norm.NFC.IsNormalString(text) {
		return text
	}
	runes := decompose(text)
	orderMarks(runes)
	return compose(runes)
}

// newMarkClasses are the characters with a combining class that came after Unicode 9.
var newMarkClasses = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x07fd, 0x07fd, 1},
		{0x0898, 0x089f, 1},
		{0x08ca, 0x08d3, 1},
		{0x09fe, 0x09fe, 1},
		{0x0c3c, 0x0c3c, 1},
		{0x0d3b, 0x0d3c, 1},
		{0x0eba, 0x0eba, 1},
		{0x1715, 0x1715, 1},
		{0x1abf, 0x1ace, 1},
		{0x1df6, 0x1dfa, 1},
		{0xa82c, 0xa82c, 1},
	},
	R32: []unicode.Range32{
		{0x10d24, 0x10d27, 1},
		{0x10eab, 0x10eac, 1},
		{0x10efd, 0x10eff, 1},
		{0x10f46, 0x10f50, 1},
		{0x10f82, 0x10f85, 1},
		{0x11070, 0x11070, 1},
		{0x1133b, 0x1133b, 1},
		{0x1145e, 0x1145e, 1},
		{0x11839, 0x1183a, 1},
		{0x1193d, 0x1193e, 1},
		{0x11943, 0x11943, 1},
		{0x119e0, 0x119e0, 1},
		{0x11a34, 0x11a34, 1},
		{0x11a47, 0x11a47, 1},
		{0x11a99, 0x11a99, 1},
		{0x11d42, 0x11d42, 1},
		{0x11d44, 0x11d45, 1},
		{0x11d97, 0x11d97, 1},
		{0x11f41, 0x11f42, 1},
		{0x16ff0, 0x16ff1, 1},
		{0x1e08f, 0x1e08f, 1},
		{0x1e130, 0x1e136, 1},
		{0x1e2ae, 0x1e2ae, 1},
		{0x1e2ec, 0x1e2ef, 1},
		{0x1e4ec, 0x1e4ef, 1},
	},
}

// newComposite is the one character with a canonical decomposition that came after Unicode 9.
const newComposite = 0x11938

// combiningClass is 0 for what starts a sequence: anything but a combining mark.
func combiningClass(r rune) uint8 {
	if r < 0x300 || unicode.Is(newMarkClasses, r) {
		return 0
	}
	return norm.NFC.PropertiesString(string(r)).CCC()
}

func decompose(text string) []rune {
	runes := make([]rune, 0, len(text))
	for _, r := range text {
		if r <= unicode.MaxASCII || r == newComposite {
			runes = append(runes, r)
			continue
		}
		for _, part := range norm.NFD.String(string(r)) {
			runes = append(runes, part)
		}
	}
	return runes
}

// orderMarks sorts each run of combining marks by class; marks of one class keep their order.
func orderMarks(runes []rune) {
	for start := 0; start < len(runes); {
		end := start
		for end < len(runes) && combiningClass(runes[end]) != 0 {
			end++
		}
		slices.SortStableFunc(runes[start:end], func(a, b rune) int {
			return cmp.Compare(combiningClass(a), combiningClass(b))
		})
		start = end + 1
	}
}

// compose joins each character with the starter before it, unless one in between is in the way: one
// that stayed, and whose class is as high.
func compose(runes []rune) string {
	out := make([]rune, 0, len(runes))
	starter, inTheWay := -1, -1 // where the starter is in out; the class of what stayed behind it, -1 for nothing
	for _, r := range runes {
		class := int(combiningClass(r))
		if starter >= 0 && inTheWay < class {
			if composite, ok := composePair(out[starter], r); ok {
				out[starter] = composite
				continue
			}
		}
		inTheWay = class
		if class == 0 {
			starter, inTheWay = len(out), -1
		}
		out = append(out, r)
	}
	return string(out)
}

// composePair asks x/text, which has no such function: composed, the two are one character, or they
// are not. It cuts the first to 16 bits and so composes U+1003C and U+0338 to ≮, which is why the
// result must decompose to the two again.
func composePair(first, second rune) (rune, bool) {
	joined := norm.NFC.String(string([]rune{first, second}))
	composite, size := utf8.DecodeRuneInString(joined)
	if size != len(joined) || composite == newComposite {
		return 0, false
	}
	return composite, norm.NFD.String(joined) == norm.NFD.String(string(first))+norm.NFD.String(string(second))
}
